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

// releases are the days on which minor versions of Kubernetes 1 came out. Source: https://kubernetes.io/releases/.
var releases = map[int]string{
	30: "2024-04-17", 31: "2024-08-13", 32: "2024-12-11", 33: "2025-04-23", 34: "2025-08-27", 35: "2025-12-17", 36: "2026-04-22", 37: "2026-08-26",
}

// patches are the days on which fixes of minor versions came out that get some still, by the number of the patch.
// Source: the tags v0.MINOR.PATCH of the module k8s.io/api, which are set with each release.
var patches = map[int]map[int]string{
	35: {0: "2025-12-17", 6: "2026-06-12", 7: "2026-07-23", 8: "2026-08-21", 9: "2026-09-23", 10: "2026-10-28"},
	36: {0: "2026-04-22", 1: "2026-05-12", 2: "2026-06-12", 3: "2026-07-23", 4: "2026-08-20", 5: "2026-09-23", 6: "2026-10-28"},
	37: {0: "2026-08-26", 1: "2026-09-23", 2: "2026-10-28"},
}

// releasesAsOf is the day on which the tables of releases and patches were complete.
const releasesAsOf = "2026-11-21"

// ReleasesAsOf is the day up to which releases of Kubernetes are known.
func ReleasesAsOf() time.Time {
	day, _ := dayOf(releasesAsOf)
	return day
}

// Released is the day on which a minor version of Kubernetes 1 came out; ok is false where that is not known.
func Released(minor int) (day time.Time, ok bool) { return dayOf(releases[minor]) }

// NewestRelease is the newest minor version of Kubernetes 1 that is known to be out at a moment; 0 before the first
// that is known.
func NewestRelease(at time.Time) int {
	newest := 0
	for minor := range releases {
		if day, ok := Released(minor); ok && !day.After(at) {
			newest = max(newest, minor)
		}
	}
	return newest
}

// Supported tells whether a minor version of Kubernetes 1 gets fixes at a moment; known is false where nobody can tell:
// a version that has no last day yet gets fixes for fourteen months from its release, which is no earlier than that
// of the newest one that is known. Source of the months: https://kubernetes.io/releases/patch-releases/.
func Supported(minor int, at time.Time) (supported, known bool) {
	if end, ok := EndOfLife(minor); ok {
		return at.Before(end), true
	}
	day, ok := Released(min(minor, KubernetesMinor))
	if !ok || !at.Before(day.AddDate(0, supportMonths, 0)) {
		return false, false
	}
	return true, true
}

const supportMonths = 14

// PatchReleased is the day on which a patch of a minor version came out, or the latest day on which it may have: that
// of the next one that is known. newer is the newest patch of that minor version that is known to be out at a moment. ok is false
// where neither the patch nor a newer one is known.
func PatchReleased(minor, patch int, at time.Time) (day time.Time, newer int, ok bool) {
	next := -1
	for number, text := range patches[minor] {
		if out, known := dayOf(text); !known || out.After(at) || number < patch {
			continue
		}
		newer = max(newer, number)
		if next < 0 || number < next {
			next = number
			day, ok = dayOf(text)
		}
	}
	return day, newer, ok
}

func dayOf(text string) (time.Time, bool) {
	day, err := time.Parse(time.DateOnly, text)
	return day, err == nil
}
