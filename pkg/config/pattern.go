package config

import (
	"path"
	"strings"
)

// Pattern is a pattern of paths as .gitignore has them: without a slash it fits a file or folder of any
// depth, with one it starts at the folder of the configuration, ** stands for any number of folders, and what
// fits a folder fits all that is in it.
type Pattern string

// Matches tells whether the pattern fits a path that is separated by slashes.
func (p Pattern) Matches(file string) bool {
	steps := strings.Split(strings.Trim(string(p), "/"), "/")
	if !strings.Contains(strings.TrimSuffix(string(p), "/"), "/") {
		steps = append([]string{"**"}, steps...)
	}
	names := strings.Split(file, "/")
	if strings.HasSuffix(string(p), "/") { // a folder, so never the file itself
		names = names[:len(names)-1]
	}
	return fits(steps, names)
}

// fits tells whether the steps of a pattern fit a path or a folder above it.
func fits(steps, names []string) bool {
	if len(steps) == 0 {
		return true
	}
	if steps[0] == "**" {
		for i := range names {
			if fits(steps[1:], names[i:]) {
				return len(steps) > 1 || len(names) > 0
			}
		}
		return false
	}
	return len(names) > 0 && matches(steps[0], names[0]) && fits(steps[1:], names[1:])
}

// valid tells why the pattern is none.
func (p Pattern) valid() string {
	switch {
	case strings.HasPrefix(string(p), "!"):
		return "cannot take back what another pattern ignores"
	case strings.HasPrefix(string(p), "../"):
		return "lies outside of the folder of this file"
	case !validPattern(string(p)):
		return "is no pattern"
	}
	return ""
}

// matches tells whether a pattern fits a name; * stands for any letters but a slash.
func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

func validPattern(pattern string) bool {
	_, err := path.Match(pattern, "")
	return err == nil
}
