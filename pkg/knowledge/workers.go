package knowledge

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Workers is how many processes a server was told to start, each of which holds the program anew.
type Workers struct {
	Count int
	Flag  string           // as written: "--workers 9"
	Word  int              // which word holds the number
	With  func(int) string // that word with another number
}

// workerFlags are the flags with which a server is told how many processes to start; "" is any program.
// Sources: the settings of gunicorn, uvicorn and hypercorn, the options of uWSGI and of puma.
var workerFlags = map[string][]string{
	"":          {"--workers"},
	"gunicorn":  {"-w"},
	"hypercorn": {"-w"},
	"puma":      {"-w"},
	"uwsgi":     {"--processes", "-p"},
}

// workerVariables are the variables from which such servers take that number. Sources: as above; puma and
// gunicorn both read WEB_CONCURRENCY.
var workerVariables = []string{"WEB_CONCURRENCY", "UWSGI_PROCESSES", "UWSGI_WORKERS"}

var (
	workerProgram = Regexp(`\b(gunicorn|hypercorn|puma|uwsgi)\b`)
	workerNumber  = Regexp(`(?:^|[\s'"])(--workers|--processes|-w|-p)(=|\s+)(\d{1,4})(?:$|[\s'";])`)
	onlyNumber    = Regexp(`^\d{1,4}$`)
)

// WorkersIn finds the number of processes in the words of a command: "--workers 9" as one word, as two, or
// in the line of a shell. Few programs take a short flag for it, so that those count only where the words or
// the image name one of them.
func WorkersIn(words []string, image string) (Workers, bool) {
	allowed := slices.Clone(workerFlags[""])
	for _, m := range workerProgram.FindAllString(strings.Join(words, " ")+" "+image, -1) {
		allowed = append(allowed, workerFlags[m]...)
	}
	for i := len(words) - 1; i >= 0; i-- {
		w := words[i]
		if i > 0 && onlyNumber.MatchString(w) && slices.Contains(allowed, words[i-1]) {
			return workers(words[i-1]+" "+w, i, w, strconv.Itoa)
		}
		for _, m := range workerNumber.FindAllStringSubmatchIndex(w, -1) {
			if slices.Contains(allowed, w[m[2]:m[3]]) {
				return workers(w[m[2]:m[7]], i, w[m[6]:m[7]], func(n int) string { return w[:m[6]] + strconv.Itoa(n) + w[m[7]:] })
			}
		}
	}
	return Workers{}, false
}

// WorkersOf is the number of processes that a variable of that name gives; GUNICORN_CMD_ARGS holds flags.
func WorkersOf(name, value string) (Workers, bool) {
	switch {
	case name == "GUNICORN_CMD_ARGS":
		return WorkersIn([]string{value}, "gunicorn")
	case slices.Contains(workerVariables, name) && onlyNumber.MatchString(value):
		return workers(fmt.Sprintf("%s=%s", name, value), 0, value, strconv.Itoa)
	}
	return Workers{}, false
}

func workers(flag string, word int, number string, with func(int) string) (Workers, bool) {
	n, err := strconv.Atoi(number)
	return Workers{Count: n, Flag: strings.Join(strings.Fields(flag), " "), Word: word, With: with}, err == nil && n > 1
}

var workerPerCPU = Regexp(`\bworker_processes\s+auto\b`)

// WorkerPerCPU tells whether words of a command start one process for each CPU that the program sees: those
// of the node, whatever the container's limit.
func WorkerPerCPU(words []string) bool { return workerPerCPU.MatchString(strings.Join(words, " ")) }
