package knowledge

import (
	"testing"
	"time"
)

func TestZone(t *testing.T) {
	t.Setenv("ZONEINFO", "/nowhere")
	noon := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for name, want := range map[string]string{
		"": "12:00", "UTC": "12:00", "Etc/UTC": "12:00", "Europe/Berlin": "14:00", "America/New_York": "08:00", "Asia/Kolkata": "17:30", "Pacific/Chatham": "00:45",
	} {
		zone := Zone(name)
		if zone == nil {
			t.Errorf("%q is not there", name)
		} else if got := noon.In(zone).Format("15:04"); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"Local", "Europe", "Europe/", "Europe/Berlim", "../Europe/Berlin", "europe/berlin"} {
		if Zone(name) != nil {
			t.Errorf("%q is there", name)
		}
	}
}

// Every zone of the database can be read: none is cut off, and none needs the machine.
func TestZonesAreWhole(t *testing.T) {
	n := 0
	for _, f := range zones().File {
		if f.FileInfo().IsDir() {
			continue
		}
		n++
		if Zone(f.Name) == nil {
			t.Errorf("%s cannot be read", f.Name)
		}
	}
	if n < 500 {
		t.Errorf("only %d zones", n)
	}
}
