// Package render prints a report: one file and one golden folder for each format.
package render

import (
	"strings"

	"github.com/fatih/color"
)

// Theme is how text output looks: its characters and its colours. Text must read without colour.
type Theme struct {
	Width int // columns to wrap prose at; 0 for no wrapping

	bad, good, unsure, bullet, arrow string

	failure, success, doubt, strong, faint *color.Color
}

// NewTheme makes a theme. Characters are ASCII unless unicode; width is the columns of the terminal,
// 0 where the output is none.
func NewTheme(colored, unicode bool, width int) *Theme {
	t := &Theme{
		Width: width,
		bad:   "x", good: "ok", unsure: "?", bullet: "-", arrow: "<-",
		failure: color.New(color.FgRed), success: color.New(color.FgGreen), doubt: color.New(color.FgYellow),
		strong: color.New(color.Bold), faint: color.New(color.Faint),
	}
	if unicode {
		t.bad, t.good, t.bullet, t.arrow = "✗", "✓", "•", "←"
	}
	for _, c := range []*color.Color{t.failure, t.success, t.doubt, t.strong, t.faint} {
		if colored {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
	}
	return t
}

// wrap breaks text into lines of at most width columns, at spaces; width 0 keeps one line. A word
// that is longer stays whole: it is a name or a command to be copied.
func wrap(text string, width int) []string {
	if width <= 0 {
		return []string{text}
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case cells(line)+1+cells(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

func cells(s string) int { return len([]rune(s)) }

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-cells(s)))
}
