package knowledge

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Schedule is a CronJob's schedule: five fields as crontab(5) has them, or a word such as @hourly.
// It reads what the CronJob controller reads, whose library is github.com/robfig/cron/v3.
type Schedule struct {
	minute, hour, day, month, weekday uint64 // one bit for each value
	anyDay, anyWeekday                bool
	every                             time.Duration
}

// scheduleYears is how far the controller's library looks ahead for the next time.
const scheduleYears = 5

var scheduleWords = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

var (
	monthNames   = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	weekdayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// ParseSchedule reads a schedule; the error says which part of it is wrong.
func ParseSchedule(text string) (*Schedule, error) {
	if strings.HasPrefix(text, "TZ=") || strings.HasPrefix(text, "CRON_TZ=") {
		return nil, errors.New("a time zone belongs into timeZone")
	}
	if d, ok := strings.CutPrefix(text, "@every "); ok {
		every, err := time.ParseDuration(d)
		if err != nil {
			return nil, fmt.Errorf("%q is no duration", d)
		}
		return &Schedule{every: max(time.Second, every.Truncate(time.Second))}, nil
	}
	if strings.HasPrefix(text, "@") {
		fields, ok := scheduleWords[text]
		if !ok {
			return nil, fmt.Errorf("there is no %s", text)
		}
		text = fields
	}
	fields := strings.Fields(text)
	if len(fields) != 5 {
		return nil, fmt.Errorf("it has %d fields, not 5", len(fields))
	}
	s := &Schedule{}
	for i, f := range []struct {
		name     string
		bits     *uint64
		from, to int
		names    []string
		first    int // the value of the first name
		any      *bool
	}{
		{"minute", &s.minute, 0, 59, nil, 0, nil}, {"hour", &s.hour, 0, 23, nil, 0, nil}, {"day of the month", &s.day, 1, 31, nil, 0, &s.anyDay},
		{"month", &s.month, 1, 12, monthNames, 1, nil}, {"day of the week", &s.weekday, 0, 6, weekdayNames, 0, &s.anyWeekday},
	} {
		for part := range strings.SplitSeq(fields[i], ",") {
			bits, whole, err := scheduleRange(part, f.from, f.to, f.names, f.first)
			if err != nil {
				return nil, fmt.Errorf("%s %q: %w", f.name, fields[i], err)
			}
			*f.bits |= bits
			if f.any != nil && whole {
				*f.any = true
			}
		}
	}
	return s, nil
}

// scheduleRange reads "*", "5", "1-5", "*/10", "5/10" or "1-30/2".
func scheduleRange(text string, from, to int, names []string, first int) (bits uint64, whole bool, err error) {
	span, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return 0, false, fmt.Errorf("%q is no step", stepText)
		}
	}
	number := func(s string) (int, error) {
		for i, n := range names {
			if strings.EqualFold(s, n) {
				return first + i, nil
			}
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < from || n > to {
			return 0, fmt.Errorf("%q is not from %d to %d", s, from, to)
		}
		return n, nil
	}
	low, high := from, to
	if span == "*" || span == "?" {
		whole = step == 1
	} else {
		a, b, ranged := strings.Cut(span, "-")
		if low, err = number(a); err != nil {
			return 0, false, err
		}
		switch {
		case ranged:
			if high, err = number(b); err != nil {
				return 0, false, err
			}
		case !stepped:
			high = low
		}
		if high < low {
			return 0, false, fmt.Errorf("%q ends before it starts", span)
		}
	}
	for n := low; n <= high; n += step {
		bits |= 1 << n
	}
	return bits, whole, nil
}

// Next is the first time after t, in t's time zone; the zero time where there is none within five years.
func (s *Schedule) Next(t time.Time) time.Time {
	if s.every > 0 {
		return t.Add(s.every).Truncate(time.Second)
	}
	y, m, d := t.Date()
	for noon := time.Date(y, m, d, 12, 0, 0, 0, t.Location()); noon.Year() <= y+scheduleYears; noon = noon.AddDate(0, 0, 1) {
		if !s.on(noon) {
			continue
		}
		ny, nm, nd := noon.Date()
		for hour := range 24 {
			for minute := range 60 {
				if s.hour&(1<<hour) == 0 || s.minute&(1<<minute) == 0 {
					continue
				}
				at := time.Date(ny, nm, nd, hour, minute, 0, 0, t.Location())
				if at.Hour() == hour && at.After(t) { // an hour that summer time leaves out does not come
					return at
				}
			}
		}
	}
	return time.Time{}
}

// on tells whether the schedule has the day of t: where it restricts the day of the month and of the
// week, either will do.
func (s *Schedule) on(t time.Time) bool {
	if s.month&(1<<int(t.Month())) == 0 {
		return false
	}
	day, weekday := s.day&(1<<t.Day()) != 0, s.weekday&(1<<int(t.Weekday())) != 0
	if s.anyDay || s.anyWeekday {
		return day && weekday
	}
	return day || weekday
}

// Passed counts the times of the schedule after from and not after to; it stops at most.
func (s *Schedule) Passed(from, to time.Time, most int) int {
	n := 0
	for at := s.Next(from); n < most && !at.IsZero() && !at.After(to); at = s.Next(at) {
		n++
	}
	return n
}
