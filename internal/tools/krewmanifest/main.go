// Command krewmanifest fills in .krew.yaml, as krew-release-bot does at a release, with the archives
// in a dist folder. What it writes can be validated and installed before anything is released.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"
)

func main() {
	var o options
	flag.StringVar(&o.template, "template", ".krew.yaml", "the template")
	flag.StringVar(&o.dist, "dist", "dist", "the folder with the archives")
	flag.StringVar(&o.tag, "tag", "", "the release, as v0.1.0")
	flag.StringVar(&o.baseURL, "base-url", "", "where the archives are instead of the release page")
	flag.BoolVar(&o.partial, "partial", false, "write an impossible checksum (ffff...) for an archive that is not there")
	out := flag.String("out", "", "the manifest to write (default DIST/krew/maturity.yaml)")
	flag.Parse()
	if *out == "" {
		*out = filepath.Join(o.dist, "krew", "maturity.yaml")
	}
	if err := write(o, *out); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, "wrote", *out)
}

type options struct {
	template, dist, tag, baseURL string
	partial                      bool
}

func write(o options, out string) error {
	data, err := render(o)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	return os.WriteFile(out, data, 0o644)
}

// render executes the template with what krew-release-bot gives it: TagName, and addURIAndSha.
func render(o options) ([]byte, error) {
	if !strings.HasPrefix(o.tag, "v") {
		return nil, fmt.Errorf("-tag must be a version such as v0.1.0, not %q", o.tag)
	}
	text, err := os.ReadFile(o.template)
	if err != nil {
		return nil, err
	}
	t, err := template.New(filepath.Base(o.template)).Option("missingkey=error").
		Funcs(template.FuncMap{"addURIAndSha": o.addURIAndSha}).Parse(string(text))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]string{"TagName": o.tag})
	return b.Bytes(), err
}

// addURIAndSha writes two fields of a platform. The bot indents the second by four spaces, too.
func (o options) addURIAndSha(uri, tag string) (string, error) {
	t, err := template.New("uri").Option("missingkey=error").Parse(uri)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, map[string]string{"TagName": tag}); err != nil {
		return "", err
	}
	uri = b.String()
	name := path.Base(uri)
	data, err := os.ReadFile(filepath.Join(o.dist, name))
	sum := fmt.Sprintf("%x", sha256.Sum256(data))
	switch {
	case errors.Is(err, fs.ErrNotExist) && o.partial:
		sum = strings.Repeat("f", 2*sha256.Size)
	case err != nil:
		return "", err
	}
	if o.baseURL != "" {
		uri = strings.TrimSuffix(o.baseURL, "/") + "/" + name
	}
	return fmt.Sprintf("uri: %s\n    sha256: %s", uri, sum), nil
}
