package knowledge

// exitCodes are the exit codes that mean the same for most programs. Sources: GNU coreutils (125);
// POSIX, Shell Command Language 2.8.2 (126, 127, and 128 plus the signal's number); signal(7) for the signals' numbers.
var exitCodes = map[int32]string{
	125: "what a wrapper such as timeout or docker run ends with when it fails itself",
	126: "what a shell says of a program that it may not run",
	127: "what a shell says of a program that it does not find",
	129: "SIGHUP",
	130: "SIGINT",
	131: "SIGQUIT",
	132: "SIGILL: an instruction that this CPU does not have",
	133: "SIGTRAP",
	134: "SIGABRT: the program gave itself up",
	135: "SIGBUS",
	136: "SIGFPE: a division by zero",
	137: "SIGKILL",
	138: "SIGUSR1",
	139: "SIGSEGV: it touched memory that is not its own",
	141: "SIGPIPE",
	143: "SIGTERM",
	255: "what a program that returns -1 ends with",
}

// ExitCode words what an exit code usually means, or "" where it is the program's own affair.
func ExitCode(code int32) string { return exitCodes[code] }

// SentSignal names the signal where an exit code says that somebody else ended the process: nobody
// sends these to himself.
func SentSignal(code int32) (name string, sent bool) {
	switch code {
	case 129, 130, 137, 143:
		return exitCodes[code], true
	}
	return "", false
}
