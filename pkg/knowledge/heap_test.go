package knowledge

import "testing"

func TestHeapIn(t *testing.T) {
	for text, want := range map[string]struct {
		flag    string
		mib     int64
		percent float64
	}{
		"-Xmx256m -Dfile.encoding=UTF-8":             {"-Xmx256m", 256, 0},
		"-Xms64m -Xmx1g -Xmx2G":                      {"-Xmx2G", 2048, 0},
		"-Xmx268435456":                              {"-Xmx268435456", 256, 0},
		"-XX:MaxRAMPercentage=95":                    {"-XX:MaxRAMPercentage=95", 0, 95},
		"-XX:MaxRAMPercentage=80.5 -Xmx100m":         {"-Xmx100m", 100, 0},
		"--max-old-space-size=4096":                  {"--max-old-space-size=4096", 4096, 0},
		"node --max_old_space_size=512 app.js":       {"--max_old_space_size=512", 512, 0},
		"-Xmx99999999999999999g":                     {},
		"-Xms256m":                                   {},
		"-XX:MaxMetaspaceSize=128m --enable-preview": {},
		"": {},
	} {
		h, ok := HeapIn(text)
		if h.Flag != want.flag || h.Bytes>>20 != want.mib || h.Percent != want.percent || ok != (want.flag != "") {
			t.Errorf("%q: %q %d MiB %v%% %v, want %v", text, h.Flag, h.Bytes>>20, h.Percent, ok, want)
		}
	}
	for value, want := range map[string]int64{"64MiB": 64, "1GiB": 1024, "67108864": 64, "67108864B": 64, "64MB": 0, "off": 0, "": 0} {
		if h, ok := GoMemoryLimit(value); h.Bytes>>20 != want || ok != (want > 0) {
			t.Errorf("GOMEMLIMIT %q: %d MiB %v, want %d", value, h.Bytes>>20, ok, want)
		}
	}
}
