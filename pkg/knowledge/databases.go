package knowledge

import (
	"strings"
	"sync"
)

// Database is a server that keeps data which nothing else has.
type Database struct {
	Name     string   // as people call it
	Images   []string // the last part of the names of its images
	Programs []string // what its process, and the entry point of its images, is called
	Folders  []string // where its images keep the data
	FolderIn []string // variables that name another folder
	Cache    bool     // it keeps nothing that matters, unless it is told to
	Majority bool     // it works only as long as more than half of its members do
}

// databases are servers of which the image's name says that they keep data.
// Source: the Dockerfiles of the images of these names, and the documentation of each server.
var databases = []Database{
	{Name: "PostgreSQL", Images: []string{"postgres", "postgresql", "postgresql-repmgr", "postgis", "timescaledb", "timescaledb-ha", "pgvector", "spilo-15", "spilo-16", "spilo-17"},
		Programs: []string{"postgres", "postmaster"}, Folders: []string{"/var/lib/postgresql/data", "/var/lib/postgresql", "/bitnami/postgresql"}, FolderIn: []string{"PGDATA", "POSTGRESQL_DATA_DIR"}},
	{Name: "MySQL", Images: []string{"mysql", "mysql-server", "percona", "percona-server"}, Programs: []string{"mysqld", "mysqld_safe"}, Folders: []string{"/var/lib/mysql", "/bitnami/mysql"}, FolderIn: []string{"MYSQL_DATA_DIR"}},
	{Name: "MariaDB", Images: []string{"mariadb", "mariadb-galera"}, Programs: []string{"mysqld", "mariadbd", "mysqld_safe"}, Folders: []string{"/var/lib/mysql", "/bitnami/mariadb"}, FolderIn: []string{"MARIADB_DATA_DIR"}},
	{Name: "MongoDB", Images: []string{"mongo", "mongodb", "mongodb-community-server", "percona-server-mongodb"}, Programs: []string{"mongod"}, Folders: []string{"/data/db", "/bitnami/mongodb"}},
	{Name: "Redis", Images: []string{"redis", "redis-stack", "redis-stack-server"}, Programs: []string{"redis-server"}, Folders: []string{"/data", "/bitnami/redis/data"}, Cache: true},
	{Name: "Valkey", Images: []string{"valkey"}, Programs: []string{"valkey-server"}, Folders: []string{"/data", "/bitnami/valkey/data"}, Cache: true},
	{Name: "KeyDB", Images: []string{"keydb"}, Programs: []string{"keydb-server"}, Folders: []string{"/data"}, Cache: true},
	{Name: "Elasticsearch", Images: []string{"elasticsearch", "elasticsearch-wolfi"}, Programs: []string{"elasticsearch"}, Folders: []string{"/usr/share/elasticsearch/data", "/bitnami/elasticsearch/data"}},
	{Name: "OpenSearch", Images: []string{"opensearch"}, Programs: []string{"opensearch", "opensearch-docker-entrypoint.sh"}, Folders: []string{"/usr/share/opensearch/data", "/bitnami/opensearch/data"}},
	{Name: "Kafka", Images: []string{"kafka", "cp-kafka", "cp-server"}, Programs: []string{"kafka-server-start.sh", "kafka-server-start"}, Folders: []string{"/var/lib/kafka/data", "/bitnami/kafka", "/tmp/kraft-combined-logs"},
		FolderIn: []string{"KAFKA_LOG_DIRS", "KAFKA_CFG_LOG_DIRS"}},
	{Name: "RabbitMQ", Images: []string{"rabbitmq", "rabbitmq-server"}, Programs: []string{"rabbitmq-server"}, Folders: []string{"/var/lib/rabbitmq", "/bitnami/rabbitmq/mnesia", "/opt/bitnami/rabbitmq/.rabbitmq/mnesia"}, Majority: true},
	{Name: "etcd", Images: []string{"etcd"}, Programs: []string{"etcd"}, Folders: []string{"/var/lib/etcd", "/bitnami/etcd"}, FolderIn: []string{"ETCD_DATA_DIR"}, Majority: true},
	{Name: "ZooKeeper", Images: []string{"zookeeper", "cp-zookeeper"}, Programs: []string{"zkServer.sh", "start-zookeeper"}, Folders: []string{"/data", "/bitnami/zookeeper"}, FolderIn: []string{"ZOO_DATA_DIR"}, Majority: true},
	{Name: "Cassandra", Images: []string{"cassandra"}, Programs: []string{"cassandra"}, Folders: []string{"/var/lib/cassandra", "/bitnami/cassandra"}},
	{Name: "ScyllaDB", Images: []string{"scylla", "scylla-enterprise"}, Programs: []string{"scylla"}, Folders: []string{"/var/lib/scylla"}},
	{Name: "ClickHouse", Images: []string{"clickhouse", "clickhouse-server"}, Programs: []string{"clickhouse-server", "clickhouse"}, Folders: []string{"/var/lib/clickhouse", "/bitnami/clickhouse"}},
	{Name: "InfluxDB", Images: []string{"influxdb"}, Programs: []string{"influxd"}, Folders: []string{"/var/lib/influxdb2", "/var/lib/influxdb", "/bitnami/influxdb"}},
	{Name: "CouchDB", Images: []string{"couchdb"}, Programs: []string{"couchdb"}, Folders: []string{"/opt/couchdb/data"}},
	{Name: "CockroachDB", Images: []string{"cockroach"}, Programs: []string{"cockroach", "cockroach.sh"}, Folders: []string{"/cockroach/cockroach-data"}},
	{Name: "Neo4j", Images: []string{"neo4j"}, Programs: []string{"neo4j"}, Folders: []string{"/data"}},
	{Name: "MinIO", Images: []string{"minio"}, Programs: []string{"minio"}, Folders: []string{"/data", "/export", "/bitnami/minio/data"}},
}

// databaseByImage finds a database by the last part of an image's name.
var databaseByImage = sync.OnceValue(func() map[string]*Database {
	byImage := map[string]*Database{}
	for i := range databases {
		for _, name := range databases[i].Images {
			byImage[name] = &databases[i]
		}
	}
	return byImage
})

// ImageBase is the last part of an image's name, without tag and digest: postgres of
// registry.example:5000/library/postgres:17@sha256:...
func ImageBase(image string) string {
	name, _, _ := strings.Cut(image, "@")
	name = name[strings.LastIndexByte(name, '/')+1:]
	name, _, _ = strings.Cut(name, ":")
	return name
}

// DatabaseOf is the database that a container of this image and command runs; nil where it runs none that is
// known, or where the command starts something else of the image, such as a client. The words of a command
// that is given count, since they replace what the image starts.
func DatabaseOf(image string, command, args []string) *Database {
	db := databaseByImage()[ImageBase(image)]
	if db == nil {
		return nil
	}
	if len(command) == 0 {
		if len(args) == 0 || strings.HasPrefix(args[0], "-") || db.starts(args[:1]) {
			return db
		}
		// The entry points of images take options and the server's own sub-commands; what else there is is started
		// in the server's place.
		if serverCommands[args[0]] {
			return db
		}
		return nil
	}
	if db.starts(append(append([]string{}, command...), args...)) {
		return db
	}
	return nil
}

// serverCommands are what the servers themselves are told as their first argument. Source: the documentation of MinIO,
// CockroachDB, Elasticsearch and InfluxDB.
var serverCommands = map[string]bool{"server": true, "start": true, "start-single-node": true, "eswrapper": true, "run": true}

// starts tells whether the words of a command, or a script among them, name the server's program.
func (d *Database) starts(words []string) bool {
	for _, w := range words {
		for _, part := range strings.FieldsFunc(w, func(r rune) bool { return strings.ContainsRune(" \t\n;&|()\"'", r) }) {
			part = part[strings.LastIndexByte(part, '/')+1:]
			if part == "docker-entrypoint.sh" || part == "entrypoint.sh" || part == "run.sh" || part == "setup.sh" {
				return true
			}
			for _, program := range d.Programs {
				if part == program {
					return true
				}
			}
		}
	}
	return false
}
