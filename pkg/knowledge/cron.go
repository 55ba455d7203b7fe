package knowledge

import (
	"errors"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule is a CronJob's schedule: five fields as crontab(5) has them, or a word such as @hourly.
type Schedule struct{ times cron.Schedule }

// ParseSchedule reads a schedule with the library of the CronJob controller; the error says which part
// of it is wrong.
func ParseSchedule(text string) (*Schedule, error) {
	if strings.HasPrefix(text, "TZ=") || strings.HasPrefix(text, "CRON_TZ=") {
		return nil, errors.New("a time zone belongs into timeZone")
	}
	times, err := cron.ParseStandard(text)
	if err != nil {
		return nil, err
	}
	return &Schedule{times}, nil
}

// Next is the first time after t, in t's time zone; the zero time where there is none within five years.
func (s *Schedule) Next(t time.Time) time.Time { return s.times.Next(t) }

// Passed counts the times of the schedule after from and not after to; it stops at most.
func (s *Schedule) Passed(from, to time.Time, most int) int {
	n := 0
	for at := s.Next(from); n < most && !at.IsZero() && !at.After(to); at = s.Next(at) {
		n++
	}
	return n
}
