// Package maturity holds the catalogue of companion tools that the binary carries.
package maturity

import _ "embed"

// Plugins is plugins.yaml, as pkg/companion reads it.
//
//go:embed plugins.yaml
var Plugins []byte
