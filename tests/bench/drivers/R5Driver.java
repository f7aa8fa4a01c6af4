import com.conveyal.r5.analyst.PointSet;
import com.conveyal.r5.analyst.TravelTimeReducer;
import com.conveyal.r5.analyst.WebMercatorExtents;
import com.conveyal.r5.analyst.cluster.RegionalTask;
import com.conveyal.r5.api.util.TransitModes;
import com.conveyal.r5.point_to_point.builder.TNBuilderConfig;
import com.conveyal.r5.profile.FastRaptorWorker;
import com.conveyal.r5.profile.PerTargetPropagater;
import com.conveyal.r5.profile.StreetMode;
import com.conveyal.r5.streets.LinkedPointSet;
import com.conveyal.r5.streets.PointSetTimes;
import com.conveyal.r5.streets.StreetRouter;
import com.conveyal.r5.streets.VertexStore;
import com.conveyal.r5.transit.TransportNetwork;
import gnu.trove.list.TIntList;
import gnu.trove.list.array.TIntArrayList;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.locationtech.jts.geom.Envelope;

/**
 * R5 in one process, without its server: arguments are the extract, a folder for what R5 writes, a folder with
 * places_walk.csv and, where one rides, places_bike.csv (lat,lon), and, where there are vehicles, a feed and the date;
 * each line that is read is one thing to do, and is answered by a line. Travel times are put together as R5's
 * TravelTimeComputer does, which cuts them down to whole minutes; here seconds are kept.
 */
class R5Driver {
    static final Map<String, StreetMode> MODES = Map.of("walk", StreetMode.WALK, "bike", StreetMode.BICYCLE);
    static final int WALK = 10, RIDES = 2, LIMIT = 60;

    final TransportNetwork network;
    final Map<String, Places> places = new HashMap<>();

    /** Places read from a file of lat,lon; R5's own free points know no envelopes, which egress asks for. */
    static class Places extends PointSet {
        final List<double[]> spots;

        Places(Path file) throws Exception {
            spots = Files.readAllLines(file).stream()
                .map(line -> Arrays.stream(line.split(",")).mapToDouble(Double::parseDouble).toArray()).toList();
        }

        public double getLat(int i) { return spots.get(i)[0]; }

        public double getLon(int i) { return spots.get(i)[1]; }

        public int featureCount() { return spots.size(); }

        public double sumTotalOpportunities() { return spots.size(); }

        public double getOpportunityCount(int i) { return 1; }

        public Envelope getWgsEnvelope() { throw new UnsupportedOperationException(); }

        public WebMercatorExtents getWebMercatorExtents() { throw new UnsupportedOperationException(); }

        @Override public TIntList getPointsInEnvelope(Envelope fixed) {
            TIntList within = new TIntArrayList();
            for (int i = 0; i < spots.size(); i++)
                if (fixed.contains(
                        VertexStore.floatingDegreesToFixed(getLon(i)), VertexStore.floatingDegreesToFixed(getLat(i))))
                    within.add(i);
            return within;
        }
    }

    R5Driver(Path extract, Path folder, Path given, List<String> feeds) throws Exception {
        Files.createDirectories(folder);
        Path copy = Files.copy(extract, folder.resolve("streets.osm.pbf")); // R5 writes a file beside it
        network = TransportNetwork.fromFiles(copy.toString(), feeds, TNBuilderConfig.defaultConfig());
        network.transitLayer.buildDistanceTables(null);
        for (String mode : MODES.keySet()) {
            Path file = given.resolve("places_" + mode + ".csv");
            if (Files.exists(file)) {
                places.put(mode, new Places(file));
                linked(mode);
            }
        }
    }

    LinkedPointSet linked(String mode) {
        return network.linkageCache.getLinkage(places.get(mode), network.streetLayer, MODES.get(mode));
    }

    RegionalTask task(String mode, int place, int limit) {
        RegionalTask task = new RegionalTask();
        task.destinationPointSet = places.get(mode);
        task.fromLat = task.destinationPointSet.getLat(place);
        task.fromLon = task.destinationPointSet.getLon(place);
        task.walkSpeed = 4.8f / 3.6f;
        task.bikeSpeed = 15 / 3.6f;
        task.maxTripDurationMinutes = limit;
        task.recordTimes = true;
        task.percentiles = new int[] {50};
        return task;
    }

    /** The streets around the place of a task; none where it has no street. */
    StreetRouter search(RegionalTask task, StreetMode mode, int minutes) {
        StreetRouter router = new StreetRouter(network.streetLayer);
        router.profileRequest = task;
        router.streetMode = mode;
        router.timeLimitSeconds = 60 * minutes;
        router.quantityToMinimize = StreetRouter.State.RoutingVariable.DURATION_SECONDS;
        if (!router.setOrigin(task.fromLat, task.fromLon)) return null;
        router.route();
        if (mode != StreetMode.WALK) router.keepRoutingOnFoot();
        return router;
    }

    void streets(String name, int origin, int limit, float[] seconds) {
        StreetMode mode = MODES.get(name);
        RegionalTask task = task(name, origin, limit);
        StreetRouter router = search(task, mode, limit);
        if (router == null) return;
        int[] found = linked(name).eval(router::getTravelTimeToVertex,
            (int) (1000 * task.getSpeedForMode(mode)), (int) (1000 * task.walkSpeed)).travelTimes;
        for (int i = 0; i < found.length; i++) if (found[i] <= 60 * limit) seconds[i] = found[i];
    }

    /** The median of the seconds from a place to all, of departures a minute apart. */
    void transit(LocalDate date, int origin, int minute, int departures, float[] seconds) {
        RegionalTask task = task("walk", origin, LIMIT);
        task.date = date;
        task.fromTime = 60 * minute;
        task.toTime = 60 * (minute + departures);
        task.transitModes = EnumSet.allOf(TransitModes.class);
        task.maxWalkTime = WALK;
        task.maxRides = RIDES;
        task.monteCarloDraws = departures; // one a minute, as no line goes by headways
        StreetRouter access = search(task, StreetMode.WALK, WALK);
        if (access == null) return;
        var stops = access.getReachedStops();
        if (stops.isEmpty()) return;
        int[][] times = new FastRaptorWorker(network.transitLayer, task, stops).route();
        PerTargetPropagater egress = new PerTargetPropagater(
            task.destinationPointSet, network.streetLayer, EnumSet.of(StreetMode.WALK), task, times,
            PointSetTimes.allUnreached(task.destinationPointSet).travelTimes); // no way without a ride
        egress.travelTimeReducer = new TravelTimeReducer(task) {
            @Override public void extractTravelTimePercentilesAndRecord(int target, int[] found) {
                Arrays.sort(found);
                int median = found[(found.length - 1) / 2];
                if (median <= 60 * LIMIT) seconds[target] = median;
            }
        };
        egress.propagate();
    }

    /** Writes seconds from the first places to all; NaN = not reached. */
    void write(String mode, int count, Path file, BiConsumer<Integer, float[]> fill) throws Exception {
        float[] seconds = new float[places.get(mode).featureCount()];
        ByteBuffer found = ByteBuffer.allocate(4 * count * seconds.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int origin = 0; origin < count; origin++) {
            Arrays.fill(seconds, Float.NaN);
            fill.accept(origin, seconds);
            for (float one : seconds) found.putFloat(one);
        }
        Files.write(file, found.array());
    }

    public static void main(String[] given) throws Exception {
        boolean rides = given.length > 3;
        R5Driver driver = new R5Driver(
            Path.of(given[0]), Path.of(given[1]), Path.of(given[2]), rides ? List.of(given[3]) : List.of());
        System.out.println("ready");
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in));
        for (String line = asked.readLine(); line != null; line = asked.readLine()) {
            String[] words = line.split(" ");
            if (rides) {
                LocalDate date = LocalDate.parse(given[4]);
                int minute = Integer.parseInt(words[1]), departures = Integer.parseInt(words[2]);
                driver.write("walk", Integer.parseInt(words[0]), Path.of(words[3]),
                    (origin, seconds) -> driver.transit(date, origin, minute, departures, seconds));
            } else {
                int limit = Integer.parseInt(words[3]);
                driver.write(words[1], Integer.parseInt(words[2]), Path.of(words[4]),
                    (origin, seconds) -> driver.streets(words[1], origin, limit, seconds));
            }
            System.out.println("done");
        }
    }
}
