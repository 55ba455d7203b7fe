package knowledge

import (
	"testing"
	"time"
)

func TestScheduleNext(t *testing.T) {
	from := time.Date(2026, 11, 21, 12, 34, 56, 0, time.UTC) // a Saturday
	for text, want := range map[string]string{
		"* * * * *":         "2026-11-21T12:35:00Z",
		"*/15 * * * *":      "2026-11-21T12:45:00Z",
		"5/10 * * * *":      "2026-11-21T12:35:00Z",
		"0 3 * * *":         "2026-11-22T03:00:00Z",
		"30 12 * * *":       "2026-11-22T12:30:00Z",
		"0 0 1 1 *":         "2027-01-01T00:00:00Z",
		"0 0 29 2 *":        "2028-02-29T00:00:00Z",
		"0 9 * * mon-fri":   "2026-11-23T09:00:00Z",
		"0 9 * * MON":       "2026-11-23T09:00:00Z",
		"0 0 13 * 5":        "2026-11-27T00:00:00Z", // the thirteenth, or any Friday
		"0 0 */2 * 5":       "2026-11-23T00:00:00Z",
		"0 0 * * 0,6":       "2026-11-22T00:00:00Z",
		"0 0 1 dec ?":       "2026-12-01T00:00:00Z",
		"@hourly":           "2026-11-21T13:00:00Z",
		"@weekly":           "2026-11-22T00:00:00Z",
		"@every 90s":        "2026-11-21T12:36:26Z",
		"0 0 30 2 *":        "",
		"0 0 31 4,6,9,11 *": "",
	} {
		s, err := ParseSchedule(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := ""
		if next := s.Next(from); !next.IsZero() {
			got = next.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestScheduleRefused(t *testing.T) {
	for _, text := range []string{"", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "a * * * *", "5-1 * * * *", "*/0 * * * *", "@fortnightly", "@every x", "TZ=UTC * * * * *", "* * * * * *"} {
		if _, err := ParseSchedule(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestSchedulePassed(t *testing.T) {
	s, err := ParseSchedule("0 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	if got := s.Passed(from, from.Add(3*time.Hour), 100); got != 3 {
		t.Errorf("%d times in three hours", got)
	}
	if got := s.Passed(from, from.Add(1000*time.Hour), 100); got != 100 {
		t.Errorf("counted to %d", got)
	}
}

func TestScheduleSummerTime(t *testing.T) {
	berlin := Zone("Europe/Berlin")
	s, err := ParseSchedule("30 2 * * *")
	if err != nil {
		t.Fatal(err)
	}
	before := time.Date(2026, 3, 28, 12, 0, 0, 0, berlin) // the hour from 2 to 3 is left out on the 29th
	if got := s.Next(before).Format(time.DateTime); got != "2026-03-30 02:30:00" {
		t.Error(got)
	}
}
