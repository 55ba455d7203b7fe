package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Set by the release build with -ldflags; a `go install` build reads its own build information.
var version, commit, date string

// Version says which build this is.
type Version struct {
	GitVersion string `json:"gitVersion"`
	GitCommit  string `json:"gitCommit,omitempty"`
	BuildDate  string `json:"buildDate,omitempty"`
	GoVersion  string `json:"goVersion"`
	Platform   string `json:"platform"`
	Kubernetes string `json:"kubernetesLibraries,omitempty"`
}

func currentVersion() Version {
	v := Version{GitVersion: version, GitCommit: commit, BuildDate: date, GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if ok {
		if v.GitVersion == "" {
			v.GitVersion = info.Main.Version
		}
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && v.GitCommit == "":
				v.GitCommit = s.Value
			case s.Key == "vcs.time" && v.BuildDate == "":
				v.BuildDate = s.Value
			}
		}
		for _, m := range info.Deps {
			if m.Path == "k8s.io/client-go" {
				v.Kubernetes = m.Version
			}
		}
	}
	if v.GitVersion == "" {
		v.GitVersion = "(devel)"
	}
	return v
}

func newCmdVersion(o *rootOptions) *cobra.Command {
	output := newEnumFlag("", "json", "yaml")
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version of the plugin",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := currentVersion()
			if done, err := marshal(o.Out, output.value, v); done {
				return err
			}
			_, err := fmt.Fprintf(o.Out, "kubectl maturity %s\n", v.GitVersion)
			return err
		},
	}
	c.Flags().VarP(output, "output", "o", "One of 'json' or 'yaml'.")
	return c
}

// userAgent names the plugin and its command to the API server, for its audit log.
func userAgent(command string) string {
	v := currentVersion()
	return fmt.Sprintf("kubectl-maturity/%s (%s) %s", v.GitVersion, v.Platform, command)
}
