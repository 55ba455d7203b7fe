package knowledge

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"io"
	"sync"
	"time"
)

// zoneFile is the time zone database, 2025c, as Go comes with it: $(go env GOROOT)/lib/time/zoneinfo.zip.
// time.LoadLocation would ask the machine first, and two machines may answer differently.
//
//go:embed zoneinfo.zip
var zoneFile []byte

var zones = sync.OnceValue(func() *zip.Reader {
	r, err := zip.NewReader(bytes.NewReader(zoneFile), int64(len(zoneFile)))
	if err != nil {
		return &zip.Reader{}
	}
	return r
})

// Zone is the time zone of a name of the IANA database, such as Europe/Berlin; nil where there is none.
// It is the same on every machine.
func Zone(name string) *time.Location {
	if name == "" || name == "UTC" {
		return time.UTC
	}
	for _, f := range zones().File {
		if f.Name != name || f.FileInfo().IsDir() {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil
		}
		zone, err := time.LoadLocationFromTZData(name, data)
		if err != nil {
			return nil
		}
		return zone
	}
	return nil
}
