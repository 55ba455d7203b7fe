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
		`cannot connect to redis://:pw99secret@cache:6379/0`:                                  `cannot connect to redis://***@cache:6379/0`,
		`amqp://shop:p@ss@rabbit:5672/`:                                                       `amqp://***@rabbit:5672/`,
		`parse "postgres://shop:p4/ss@db/shop": invalid port`:                                 `parse "postgres://***@db/shop": invalid port`,
		`root:TopSecret1@tcp(db:3306)/shop`:                                                   `***@tcp(db:3306)/shop`,
		`connecting to guest:TopSecret1@rabbit:5672`:                                          `connecting to ***@rabbit:5672`,
		`GET http://api:8080/users/@me`:                                                       `GET http://api:8080/users/@me`,
		`image app:v1@sha256:9f86d081884c7d65`:                                                `image app:v1@sha256:9f86d081884c7d65`,
		`serve --db-pass s3cr3tP4ss --verbose`:                                                `serve --db-pass *** --verbose`,
		`["serve", "--db-password", "s3cr3tP4ss", "-v"]`:                                      `["serve", "--db-password", ***, "-v"]`,
		`serve -token abcdefgh`:                                                               `serve -token ***`,
		`flag --password is required`:                                                         `flag --password is required`,
		`--token-file /run/token: no such file or directory`:                                  `--token-file /run/token: no such file or directory`,
		`mysql -uroot -pTopSecret1 -h db`:                                                     `mysql -uroot -p*** -h db`,
		`mysqldump: Got error: 2002: connect -port 3306`:                                      `mysqldump: Got error: 2002: connect -port 3306`,
		`redis-cli -h cache -a TopSecret1 ping`:                                               `redis-cli -h cache -a *** ping`,
		`curl -s -u shop:TopSecret1 http://api/`:                                              `curl -s -u shop:*** http://api/`,
		`authorization: BEARER abcdefgh12345`:                                                 `authorization: BEARER ***`,
		`read token /var/run/secrets/kubernetes.io/serviceaccount/token1: denied`:             `read token /var/run/secrets/kubernetes.io/serviceaccount/token1: denied`,
		`invalid apikey 9f8e7d6c5b4a`:                                                         `invalid apikey ***`,
		`wrong password hunter22 for shop`:                                                    `wrong password *** for shop`,
		`token expired, password rejected, api key missing`:                                   `token expired, password rejected, api key missing`,
		`secret db-credentials-2 not found`:                                                   `secret db-credentials-2 not found`,
		`db_pass=hunter22 DB_PASS: hunter22`:                                                  `db_pass=*** DB_PASS: ***`,
		`AccountName=shop;AccountKey=abc+/==;`:                                                `AccountName=shop;AccountKey=***;`,
		`https://shop.example/b?sv=1&sig=a%2Fb&se=2`:                                          `https://shop.example/b?sv=1&sig=***&se=2`,
		`remote: ghp_0123456789abcdefABCD denied`:                                             `remote: *** denied`,
		``: ``,
	} {
		if got := Mask(text); got != want {
			t.Errorf("%q:\ngot  %q\nwant %q", text, got, want)
		}
	}
}

// What is masked once is not changed by masking it again: text goes through more than one hand.
func TestMaskTwice(t *testing.T) {
	for _, text := range []string{`password=hunter22`, `"/etc/passwd": not a directory`, `postgres://a:b@c/d?password=x`, `/run/token: permission denied`, `redis://:a@b`, `--db-pass s3cr3t`,
		`mysql -uroot -pTop1`, `apikey 9f8e7d6c`, `root:a@tcp(db:1)/x`, `curl -u a:b http://c`, `?sig=a&b`, `x:y@db:5432`} {
		if once := Mask(text); Mask(once) != once {
			t.Errorf("%q: %q, then %q", text, once, Mask(once))
		}
	}
}

// A path is no secret, whatever is in the file.
func TestSecretName(t *testing.T) {
	for name, want := range map[string]bool{
		"API_TOKEN": true, "DB_PASS": true, "PASS": true, "PGPASSWORD": true, "SECRET_KEY": true, "AZURE_ACCOUNT_KEY": true,
		"TOKEN_FILE": false, "DB_PASSWORD_FILE": false, "CREDENTIALS_PATH": false, "SECRETS_DIR": false, "BYPASS_CACHE": false, "COMPASS": false, "PATH": false,
	} {
		if got := SecretName(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
