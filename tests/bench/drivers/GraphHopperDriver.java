import com.graphhopper.GraphHopper;
import com.graphhopper.GraphHopperConfig;
import com.graphhopper.config.Profile;
import com.graphhopper.isochrone.algorithm.ContourBuilder;
import com.graphhopper.isochrone.algorithm.JTSTriangulator;
import com.graphhopper.isochrone.algorithm.ShortestPathTree;
import com.graphhopper.json.Statement;
import com.graphhopper.routing.ev.Subnetwork;
import com.graphhopper.routing.querygraph.QueryGraph;
import com.graphhopper.routing.util.DefaultSnapFilter;
import com.graphhopper.routing.util.EdgeFilter;
import com.graphhopper.routing.util.TraversalMode;
import com.graphhopper.routing.weighting.Weighting;
import com.graphhopper.storage.index.Snap;
import com.graphhopper.util.CustomModel;
import com.graphhopper.util.PMap;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.locationtech.jts.io.WKBWriter;
import org.slf4j.LoggerFactory;

/**
 * GraphHopper in one process, without its server: arguments are the extract, a folder for the graph and a folder with
 * places_walk.csv and places_bike.csv (lat,lon); each line that is read is one thing to do, and is answered by a line.
 */
class GraphHopperDriver {
    static final Statement.Op TIMES = Statement.Op.MULTIPLY, LIMIT = Statement.Op.LIMIT;

    final GraphHopper hopper = new GraphHopper();
    final Map<String, Mode> modes = new HashMap<>();

    /** A mode with all its places on the streets. */
    class Mode {
        final Weighting weighting;
        final EdgeFilter open;
        final List<double[]> places;
        final QueryGraph graph;
        final int[] nodes;

        Mode(String name, Path file) throws Exception {
            weighting = hopper.createWeighting(hopper.getProfile(name), new PMap());
            open = new DefaultSnapFilter(
                weighting, hopper.getEncodingManager().getBooleanEncodedValue(Subnetwork.key(name)));
            places = Files.readAllLines(file).stream()
                .map(line -> Arrays.stream(line.split(",")).mapToDouble(Double::parseDouble).toArray()).toList();
            List<Snap> snaps = places.stream().map(this::snap).toList();
            graph = QueryGraph.create(hopper.getBaseGraph(), snaps);
            nodes = snaps.stream().mapToInt(Snap::getClosestNode).toArray();
        }

        Snap snap(double[] place) {
            return hopper.getLocationIndex().findClosest(place[0], place[1], open);
        }

        ShortestPathTree tree(QueryGraph graph) {
            return new ShortestPathTree(graph, graph.wrapWeighting(weighting), false, TraversalMode.NODE_BASED);
        }

        void matrix(int count, double minutes, Path file) throws Exception {
            ByteBuffer found = ByteBuffer.allocate(4 * count * nodes.length).order(ByteOrder.LITTLE_ENDIAN);
            float[] seconds = new float[graph.getNodes()];
            for (int origin = 0; origin < count; origin++) {
                Arrays.fill(seconds, Float.NaN);
                ShortestPathTree tree = tree(graph);
                tree.setTimeLimit(minutes * 60_000);
                tree.search(nodes[origin], label -> seconds[label.node] = label.time / 1000f);
                for (int node : nodes) found.putFloat(seconds[node]);
            }
            Files.write(file, found.array());
        }

        /** As the server's isochrone does: searched somewhat beyond, triangulated, contoured. */
        void polygons(int count, double[] minutes, Path file) throws Exception {
            double longest = Arrays.stream(minutes).max().getAsDouble() * 60_000;
            try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(file))) {
                for (double[] place : places.subList(0, count)) {
                    Snap snap = snap(place);
                    QueryGraph alone = QueryGraph.create(hopper.getBaseGraph(), snap);
                    ShortestPathTree tree = tree(alone);
                    tree.setTimeLimit(longest + Math.max(longest * 0.14, 200_000));
                    var triangles = new JTSTriangulator(hopper.getRouterConfig())
                        .triangulate(snap, alone, tree, label -> label.time, 0);
                    var contours = new ContourBuilder(triangles.triangulation);
                    for (double one : minutes)
                        out.println(WKBWriter.toHex(
                            new WKBWriter().write(contours.computeIsoline(one * 60_000, triangles.seedEdges))));
                }
            }
        }
    }

    static Profile profile(String name, String closed, String speed, Statement... slower) {
        CustomModel model = new CustomModel().setDistanceInfluence(0.0)
            .addToPriority(Statement.If(closed, TIMES, "0")).addToSpeed(Statement.If("true", LIMIT, speed));
        for (Statement one : slower) model.addToSpeed(one);
        return new Profile(name).setCustomModel(model);
    }

    GraphHopperDriver(String extract, String folder) {
        GraphHopperConfig config = new GraphHopperConfig()
            .putObject("datareader.file", extract)
            .putObject("graph.location", folder)
            .putObject("import.osm.ignored_highways", "motorway")
            .putObject("prepare.min_network_size", 40)
            .putObject("graph.encoded_values", "foot_access, bike_access, get_off_bike, road_class, ferry_speed")
            .setProfiles(List.of(
                profile("walk", "!foot_access", "4.8", Statement.If("road_class == STEPS", LIMIT, "1.6")),
                profile("bike", "!bike_access || get_off_bike", "15")));
        hopper.init(config).importOrLoad();
    }

    public static void main(String[] given) throws Exception {
        ((Logger) LoggerFactory.getLogger("ROOT")).setLevel(Level.WARN);
        GraphHopperDriver driver = new GraphHopperDriver(given[0], given[1]);
        for (String name : List.of("walk", "bike"))
            driver.modes.put(name, driver.new Mode(name, Path.of(given[2], "places_" + name + ".csv")));
        System.out.println("ready");
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in));
        for (String line = asked.readLine(); line != null; line = asked.readLine()) {
            String[] words = line.split(" ");
            Mode mode = driver.modes.get(words[1]);
            int count = Integer.parseInt(words[2]);
            double[] minutes = Arrays.stream(words[3].split(",")).mapToDouble(Double::parseDouble).toArray();
            if (words[0].equals("matrix")) mode.matrix(count, minutes[0], Path.of(words[4]));
            else mode.polygons(count, minutes, Path.of(words[4]));
            System.out.println("done");
        }
    }
}
