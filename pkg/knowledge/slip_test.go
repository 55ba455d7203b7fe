package knowledge

import "testing"

func TestSlip(t *testing.T) {
	for _, c := range []struct {
		word, want string
		names      []string
	}{
		{"DATABASE_URL", "DATABSE_URL", []string{"LEVEL", "DATABSE_URL"}},
		{"DATABASE_URL", "database-url", []string{"database-url", "DATABASE_URI"}},
		{"DATABASE_URL", "", []string{"DATABASE_HOST", "URL", "DATABASE_URL"}},
		{"wge", "wget", []string{"wc", "wget"}},
		{"ls", "", []string{"sed", "cat"}},
		{"x", "", nil},
	} {
		if got := Slip(c.word, c.names); got != c.want {
			t.Errorf("Slip(%q, %q) = %q, want %q", c.word, c.names, got, c.want)
		}
	}
}
