//go:build tools

// Package tools names the program that is built from this module: HashiCorp Vault, for tests.
package tools

import _ "github.com/hashicorp/vault"
