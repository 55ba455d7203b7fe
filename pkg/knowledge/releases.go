package knowledge

import "time"

// endsOfLife are the days on which minor versions of Kubernetes 1 get their last fix. Versions that are newer than
// the table have their day once it is set. Source: https://kubernetes.io/releases/patch-releases/.
var endsOfLife = map[int]string{
	24: "2023-07-28", 25: "2023-10-27", 26: "2024-02-28", 27: "2024-06-28", 28: "2024-10-28", 29: "2025-02-28", 30: "2025-07-15",
	31: "2025-11-11", 32: "2026-02-28", 33: "2026-06-28", 34: "2026-10-27", 35: "2027-02-28", 36: "2027-06-28",
}

// OldestEnd is the first minor version of Kubernetes 1 whose last day is known; those before it ended earlier.
const OldestEnd = 24

// EndOfLife is the day on which a minor version of Kubernetes 1 gets its last fix, or got it at the latest; ok is
// false where that is not known.
func EndOfLife(minor int) (day time.Time, ok bool) {
	text, ok := endsOfLife[max(minor, OldestEnd)]
	if !ok {
		return time.Time{}, false
	}
	day, err := time.Parse(time.DateOnly, text)
	return day, err == nil
}
