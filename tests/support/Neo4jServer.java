// A Neo4j server for tests: the real database, embedded, with Bolt and authentication. It says `ready` and runs until it is ended.
//
// java -cp 'lib/*' Neo4jServer.java HOME      (settings in HOME/neo4j.conf, the password of the user neo4j in NEO4J_PASSWORD)
//
// Neo4j's command-line server is no Maven artifact; this is the documented way to run the database from its libraries.

import java.nio.file.Path;
import java.util.Map;
import org.neo4j.configuration.GraphDatabaseSettings;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;

public class Neo4jServer {
    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]);
        var service = new DatabaseManagementServiceBuilder(home).loadPropertiesFromFile(home.resolve("neo4j.conf")).build();
        Runtime.getRuntime().addShutdownHook(new Thread(service::shutdown));
        try (var transaction = service.database(GraphDatabaseSettings.SYSTEM_DATABASE_NAME).beginTx()) {
            Map<String, Object> password = Map.of("password", System.getenv("NEO4J_PASSWORD"));
            transaction.execute("ALTER USER neo4j SET PASSWORD $password CHANGE NOT REQUIRED", password).close();
            transaction.commit();
        } catch (RuntimeException error) {
            // A home that was used before has this password already.
            if (!String.valueOf(error.getMessage()).contains("cannot be the same")) {
                throw error;
            }
        }
        System.out.println("ready");
        Thread.currentThread().join();
    }
}
