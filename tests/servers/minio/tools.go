//go:build tools

// Package tools names the program that is built from this module: MinIO (AGPL-3.0), for tests.
package tools

import _ "github.com/minio/minio"
