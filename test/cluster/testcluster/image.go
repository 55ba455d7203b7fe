package testcluster

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// image is a static program of this repository that becomes an image of the node.
type image struct {
	name, folder string // below test/cluster
}

func (i image) reference() string { return "localhost/" + i.name + ":v1" }

var (
	pauseImage     = image{name: "pause", folder: "images/pause"}
	misbehaveImage = image{name: "misbehave", folder: "misbehave"}
	nodeImages     = []image{pauseImage, misbehaveImage}
)

// builtImage is where an image lies in the cache: its program, and the archive to import.
type builtImage struct{ program, archive string }

// buildImage builds and packs an image, unless its very source is in the cache already.
func (s *source) buildImage(ctx context.Context, i image, log io.Writer) (builtImage, error) {
	cache, err := cacheDir()
	if err != nil {
		return builtImage{}, err
	}
	folder := filepath.Join(s.dir, filepath.FromSlash(i.folder))
	hash, err := hashFiles(folder)
	if err != nil {
		return builtImage{}, err
	}
	dir := filepath.Join(cache, "images", i.name+"-"+hash)
	built := builtImage{program: filepath.Join(dir, i.name), archive: filepath.Join(dir, i.name+".tar")}
	if isFile(built.program) && isFile(built.archive) {
		return built, nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return builtImage{}, err
	}
	start := time.Now()
	if err := goBuild(ctx, folder, ".", "-s -w", built.program); err != nil {
		return builtImage{}, fmt.Errorf("building image %s: %w", i.name, err)
	}
	program, err := os.ReadFile(built.program)
	if err != nil {
		return builtImage{}, err
	}
	archive, err := dockerArchive(i.reference(), i.name, program)
	if err != nil {
		return builtImage{}, err
	}
	temporary := fmt.Sprintf("%s.%d", built.archive, os.Getpid())
	if err := os.WriteFile(temporary, archive, 0o600); err != nil {
		return builtImage{}, err
	}
	fmt.Fprintf(log, "built image %s in %.1fs\n", i.reference(), time.Since(start).Seconds())
	return built, os.Rename(temporary, built.archive)
}

// hashFiles sums up the Go files of a folder, and the compiler that they are built with.
func hashFiles(folder string) (string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "", fmt.Errorf("no Go files in %s", folder)
	}
	slices.Sort(files)
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOARCH)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, filepath.Base(f), len(data))
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// dockerArchive packs one static program the way `docker save` does, since that is what containerd
// imports without a registry. The same program gives the same bytes.
func dockerArchive(reference, name string, program []byte) ([]byte, error) {
	epoch := time.Unix(0, 0).UTC()
	type entry struct {
		name string
		mode int64
		data []byte // nil for a folder
	}
	pack := func(entries []entry) ([]byte, error) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, e := range entries {
			header := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.data)), ModTime: epoch, Typeflag: tar.TypeReg}
			if e.data == nil {
				header.Typeflag = tar.TypeDir
			}
			if err := w.WriteHeader(header); err != nil {
				return nil, err
			}
			if _, err := w.Write(e.data); err != nil {
				return nil, err
			}
		}
		return b.Bytes(), w.Close()
	}
	layer, err := pack([]entry{
		{name: "tmp/", mode: 0o777}, {name: "data/", mode: 0o777}, {name: "dev/", mode: 0o755}, {name: "etc/", mode: 0o755},
		{name: "etc/passwd", mode: 0o644, data: []byte("root:x:0:0:root:/:/\nnobody:x:65534:65534:nobody:/:/\n")},
		{name: name, mode: 0o755, data: program},
	})
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "created": epoch,
		"config": map[string]any{"Entrypoint": []string{"/" + name}, "WorkingDir": "/", "Env": []string{"PATH=/"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer))}},
	})
	if err != nil {
		return nil, err
	}
	configName := fmt.Sprintf("%x.json", sha256.Sum256(config))
	manifest, err := json.Marshal([]map[string]any{{"Config": configName, "RepoTags": []string{reference}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return nil, err
	}
	return pack([]entry{
		{name: configName, mode: 0o644, data: config},
		{name: "layer.tar", mode: 0o644, data: layer},
		{name: "manifest.json", mode: 0o644, data: manifest},
	})
}
