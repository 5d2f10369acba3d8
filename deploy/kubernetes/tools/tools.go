//go:build tools

// Package tools names the programs that the tests of the manifests build.
package tools

import (
	_ "sigs.k8s.io/kubectl-validate"
	_ "sigs.k8s.io/kustomize/kustomize/v5"
)
