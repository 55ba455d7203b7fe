package knowledge

import (
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	for text, want := range map[string]string{
		`error mounting to rootfs at "/etc/passwd": not a directory`:                          `error mounting to rootfs at "/etc/passwd": not a directory`,
		`dst=/etc/passwd: mount failed`:                                                       `dst=/etc/passwd: mount failed`,
		`{"/etc/passwd": "root:x:0:0"}`:                                                       `{"/etc/passwd": "root:x:0:0"}`,
		`open /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory`: `open /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory`,
		`cat: /run/secrets/db-password: Permission denied`:                                    `cat: /run/secrets/db-password: Permission denied`,
		`postgres://shop:hunter22@db:5432/shop`:                                               `postgres://***@db:5432/shop`,
		`password=hunter22 sslmode=disable`:                                                   `password=*** sslmode=disable`,
		`"password": "hunter 22", "user": "shop"`:                                             `"password": ***, "user": "shop"`,
		`DB_PASSWD: hunter22`:                                                                 `DB_PASSWD: ***`,
		`Authorization: Bearer abcdefgh12345`:                                                 `Authorization: Bearer ***`,
		`token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln`:                                 `token=***`,
		`passwd: hunter22`:                                                                    `passwd: ***`,
		`mail/passwd: hunter22`:                                                               `mail/passwd: ***`,
		`secret/data/db/password: hunter22`:                                                   `secret/data/db/password: ***`,
		`/config/app/password=hunter22`:                                                       `/config/app/password=***`,
		`/config/app/password="permission denied"`:                                            `/config/app/password=***`,
		`/etc/passwd=hunter22`:                                                                `/etc/passwd=***`,
		`/mnt/etc/passwd: hunter22`:                                                           `/mnt/etc/passwd: ***`,
		`/etc/app-passwd: hunter22`:                                                           `/etc/app-passwd: ***`,
		`read /etc/passwd: password=hunter22`:                                                 `read /etc/passwd: password=***`,
		`/etc/passwd: "token": "hunter22"`:                                                    `/etc/passwd: "token": ***`,
		`open /run/secrets/token: permission denied, password: hunter22`:                      `open /run/secrets/token: permission denied, password: ***`,
		`password: permission denied`:                                                         `password: *** denied`,
		strings.Repeat(`api_key=a1 `, 3):                                                      strings.Repeat(`api_key=*** `, 3),
		``:                                                                                    ``,
	} {
		if got := Mask(text); got != want {
			t.Errorf("%q:\ngot  %q\nwant %q", text, got, want)
		}
	}
}

// What is masked once is not changed by masking it again: text goes through more than one hand.
func TestMaskTwice(t *testing.T) {
	for _, text := range []string{`password=hunter22`, `"/etc/passwd": not a directory`, `postgres://a:b@c/d?password=x`, `/run/token: permission denied`} {
		if once := Mask(text); Mask(once) != once {
			t.Errorf("%q: %q, then %q", text, once, Mask(once))
		}
	}
}
