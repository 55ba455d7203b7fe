// Package demo holds a snapshot of a small shop in trouble, captured from a real cluster, so that
// the plugin can be tried without one. shop/applied.yaml says how it was made.
package demo

import (
	"embed"
	"io/fs"
)

//go:embed shop
var files embed.FS

// Shop is the snapshot folder.
func Shop() (fs.FS, error) { return fs.Sub(files, "shop") }
