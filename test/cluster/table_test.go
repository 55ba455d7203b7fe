package cluster_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// result is one line of the table.
type result struct {
	scenario         *scenario
	said, fix        string
	applied, healthy string // yes, no, or - where there is nothing to apply
	took             time.Duration
	first            string // why there was a second try, "" without one
	wrong            string // why it is wrong, "" where it is not
}

// expected is what explain must say.
func (o *result) expected() string {
	e := o.scenario.Expect
	switch {
	case e.Pending != "":
		return "pending " + e.Pending
	case e.State != "":
		return e.State
	}
	return e.Cause
}

func (o *result) verdict() string {
	switch {
	case o.wrong != "":
		return "WRONG"
	case o.scenario.Expect.Pending != "":
		return "pending"
	}
	return "right"
}

// String is the line of progress.
func (o *result) String() string {
	line := fmt.Sprintf("%-7s  %s: %s", o.verdict(), o.scenario.name, o.said)
	if o.healthy == "yes" {
		line += ", healed"
	}
	line += fmt.Sprintf(", %.0f s", o.took.Seconds())
	if o.first != "" {
		line += ", second try"
	}
	if o.wrong != "" {
		line += ": " + o.wrong
	}
	return line
}

// counts are the last line of the table.
type counts struct {
	ran, right, wrong, pending, curable, applied, healed, twice int
}

func (c counts) String() string {
	return fmt.Sprintf("%d scenarios: %d right, %d wrong, %d pending; %d curable, %d applied, %d healed; %d tried twice",
		c.ran, c.right, c.wrong, c.pending, c.curable, c.applied, c.healed, c.twice)
}

// table is what came of each scenario, and the counts.
func table(results []*result) string {
	var b strings.Builder
	var c counts
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "SCENARIO\tEXPECTED\tSAID\tFIX\tAPPLIED\tHEALTHY AFTER\tSECONDS\tNOTE")
	for _, o := range results {
		c.ran++
		var notes []string
		switch o.verdict() {
		case "WRONG":
			c.wrong++
			notes = append(notes, "WRONG: "+short(o.wrong))
		case "pending":
			c.pending++
		default:
			c.right++
		}
		if o.scenario.curable() {
			c.curable++
		}
		if o.applied == "yes" {
			c.applied++
		}
		if o.healthy == "yes" {
			c.healed++
		}
		if o.first != "" {
			c.twice++
			notes = append(notes, "second try, at first: "+short(o.first))
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%.0f\t%s\n",
			o.scenario.name, o.expected(), o.said, o.fix, o.applied, o.healthy, o.took.Seconds(), strings.Join(notes, "; "))
	}
	_ = w.Flush()
	var lines strings.Builder
	for line := range strings.Lines(b.String()) {
		lines.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return lines.String() + "\n" + c.String() + "\n"
}

// short keeps a note on its line.
func short(s string) string {
	const most = 100
	if letters := []rune(s); len(letters) > most {
		return string(letters[:most]) + "..."
	}
	return s
}

// summary prints the table, or writes it into the file that the environment names.
func (r *runner) summary(t *testing.T, all []*scenario) {
	var ran []*result
	for _, s := range all {
		if o := r.results[s.name]; o != nil {
			ran = append(ran, o)
		}
	}
	text := table(ran)
	file := os.Getenv(tableEnv)
	if file == "" {
		t.Logf("\n%s", text)
		return
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Error(err)
	}
}

func TestTable(t *testing.T) {
	yes, no := true, false
	cause := &scenario{name: "oom", Expect: expectation{Cause: "oom-own-limit"}, Heals: &yes}
	text := table([]*result{
		{scenario: cause, said: "oom-own-limit", fix: "needs-thought", applied: "yes", healthy: "yes", took: 12600 * time.Millisecond},
		{scenario: cause, said: "app-exit", fix: "none", applied: "-", healthy: "-", first: "not reached", wrong: "got app-exit"},
		{scenario: &scenario{name: "late", Expect: expectation{Pending: "deadline"}}, said: "unhealthy", fix: "none", applied: "-", healthy: "-"},
		{scenario: &scenario{name: "well", Expect: expectation{State: "healthy"}, Heals: &no}, said: "healthy", fix: "none", applied: "-", healthy: "-", first: "not reached"},
	})
	const want = `SCENARIO  EXPECTED          SAID           FIX            APPLIED  HEALTHY AFTER  SECONDS  NOTE
oom       oom-own-limit     oom-own-limit  needs-thought  yes      yes            13
oom       oom-own-limit     app-exit       none           -        -              0        WRONG: got app-exit; second try, at first: not reached
late      pending deadline  unhealthy      none           -        -              0
well      healthy           healthy        none           -        -              0        second try, at first: not reached

4 scenarios: 2 right, 1 wrong, 1 pending; 2 curable, 1 applied, 1 healed; 2 tried twice
`
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}
