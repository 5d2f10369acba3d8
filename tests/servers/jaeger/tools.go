//go:build tools

// Package tools names the program that is built from this module: Jaeger, for tests.
package tools

import _ "github.com/jaegertracing/jaeger/cmd/all-in-one"
