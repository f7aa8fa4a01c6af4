import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZonedDateTime;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.opentripplanner.model.GenericLocation;
import org.opentripplanner.raptor.RaptorService;
import org.opentripplanner.raptor.api.model.RaptorAccessEgress;
import org.opentripplanner.raptor.api.request.RaptorProfile;
import org.opentripplanner.raptor.api.request.RaptorRequestBuilder;
import org.opentripplanner.raptor.api.response.StopArrivals;
import org.opentripplanner.routing.algorithm.raptoradapter.router.street.AccessEgressRouter;
import org.opentripplanner.routing.algorithm.raptoradapter.transit.TripSchedule;
import org.opentripplanner.routing.algorithm.raptoradapter.transit.mappers.AccessEgressMapper;
import org.opentripplanner.routing.algorithm.raptoradapter.transit.request.RaptorRoutingRequestTransitData;
import org.opentripplanner.routing.algorithm.raptoradapter.transit.request.RouteRequestTransitDataProviderFilter;
import org.opentripplanner.routing.api.request.RouteRequest;
import org.opentripplanner.routing.api.request.StreetMode;
import org.opentripplanner.routing.api.request.request.StreetRequest;
import org.opentripplanner.routing.error.RoutingValidationException;
import org.opentripplanner.standalone.api.OtpServerRequestContext;
import org.opentripplanner.standalone.config.CommandLineParameters;
import org.opentripplanner.standalone.configure.ConstructApplication;
import org.opentripplanner.standalone.configure.LoadApplication;
import org.opentripplanner.street.search.TemporaryVerticesContainer;
import org.opentripplanner.transit.model.network.grouppriority.TransitGroupPriorityService;

/**
 * OpenTripPlanner in one process, without its server: arguments are a folder with the extract, the feed and
 * build-config.json, a file of places (lat,lon), and the date; each line that is read is one thing to do, and is
 * answered by a line. Whom one reaches is put together of what its planner is made of: walks to stops, Raptor to all
 * stops, walks from stops; the last of these are searched once, when it starts.
 */
class OtpDriver {
    static final Duration WALK = Duration.ofMinutes(10);
    static final int RIDES = 2;

    final OtpServerRequestContext context;
    final ZonedDateTime midnight;
    final List<GenericLocation> places;
    final List<Collection<? extends RaptorAccessEgress>> leaving;

    OtpDriver(File folder, Path file, LocalDate date) throws Exception {
        CommandLineParameters told = new CommandLineParameters();
        told.baseDirectory = List.of(folder);
        told.build = told.serve = true;
        told.inferAndValidate();
        LoadApplication load = new LoadApplication(told);
        load.validateConfigAndDataSources();
        ConstructApplication app = load.appConstruction();
        app.createGraphBuilder().run();
        app.transitModel().index();
        app.graph().index(app.transitModel().getStopModel());
        var tuning = app.routerConfig().transitTuningConfig();
        ConstructApplication.creatTransitLayerForRaptor(app.transitModel(), tuning);
        ConstructApplication.initializeTransferCache(tuning, app.transitModel());
        context = app.getFactory().createServerContext();
        midnight = date.atStartOfDay(app.transitModel().getTimeZone());
        places = Files.readAllLines(file).stream()
            .map(line -> Arrays.stream(line.split(",")).mapToDouble(Double::parseDouble).toArray())
            .map(at -> new GenericLocation(at[0], at[1])).toList();
        leaving = places.stream().<Collection<? extends RaptorAccessEgress>>map(one -> walks(one, true)).toList();
    }

    /** From or to a place, on foot as siteplan. */
    RouteRequest request(GenericLocation place, boolean leaving) {
        RouteRequest request = context.defaultRouteRequest().clone();
        if (leaving) request.setTo(place);
        else request.setFrom(place);
        request.setDateTime(midnight.toInstant());
        request.withPreferences(all -> all
            .withWalk(walk -> walk.withSpeed(4.8 / 3.6).withStairsTimeFactor(3).withReluctance(1)
                .withStairsReluctance(1).withSafetyFactor(0).withBoardCost(0))
            .withTransfer(transfer -> transfer.withSlack(Duration.ZERO))
            .withTransit(transit -> transit
                .withBoardSlack(slack -> slack.withDefault(Duration.ZERO))
                .withAlightSlack(slack -> slack.withDefault(Duration.ZERO))));
        return request;
    }

    /** Walks between a place and the stops around it; none where it has no street. */
    Collection<? extends RaptorAccessEgress> walks(GenericLocation place, boolean leaving) {
        RouteRequest request = request(place, leaving);
        try (var ends = new TemporaryVerticesContainer(context.graph(), request, StreetMode.WALK, StreetMode.WALK)) {
            var stops = AccessEgressRouter.streetSearch(
                request, ends, new StreetRequest(StreetMode.WALK), null, leaving, WALK, 0);
            return AccessEgressMapper.mapNearbyStops(stops, leaving);
        } catch (RoutingValidationException apart) {
            return List.of();
        }
    }

    /** The median of the minutes from some places to all, of departures a minute apart. */
    void transit(int count, int minute, int departures, Path file) throws Exception {
        ByteBuffer found = ByteBuffer.allocate(4 * count * places.size()).order(ByteOrder.LITTLE_ENDIAN);
        for (GenericLocation origin : places.subList(0, count)) {
            var access = walks(origin, false);
            RouteRequest request = request(origin, false);
            float[][] seconds = new float[places.size()][departures];
            for (float[] row : seconds) Arrays.fill(row, Float.NaN);
            if (!access.isEmpty()) {
                var data = new RaptorRoutingRequestTransitData(
                    context.transitService().getTransitLayer(), TransitGroupPriorityService.empty(), midnight, 0, 0,
                    new RouteRequestTransitDataProviderFilter(request), request);
                for (int k = 0; k < departures; k++) {
                    int start = 60 * (minute + k);
                    StopArrivals arrivals = arrivals(data, access, start);
                    for (int place = 0; place < seconds.length; place++)
                        for (RaptorAccessEgress walk : leaving.get(place))
                            if (arrivals.reachedByTransit(walk.stop())) {
                                float took =
                                    arrivals.bestTransitArrivalTime(walk.stop()) + walk.durationInSeconds() - start;
                                if (!(seconds[place][k] <= took)) seconds[place][k] = took;
                            }
                }
            }
            for (float[] row : seconds) {
                Arrays.sort(row); // NaN, not reached, is the last
                found.putFloat(row[(departures - 1) / 2]);
            }
        }
        Files.write(file, found.array());
    }

    StopArrivals arrivals(
        RaptorRoutingRequestTransitData data, Collection<? extends RaptorAccessEgress> access, int start) {
        var request = new RaptorRequestBuilder<TripSchedule>().profile(RaptorProfile.STANDARD);
        request.searchParams().earliestDepartureTime(start).searchOneIterationOnly().timetable(false)
            .constrainedTransfers(false).maxNumberOfTransfers(RIDES) // told one, it takes one ride
            .addAccessPaths(access).addEgressPaths(access);
        return new RaptorService<>(context.raptorConfig()).route(request.build(), data).getArrivals();
    }

    public static void main(String[] given) throws Exception {
        OtpDriver driver = new OtpDriver(new File(given[0]), Path.of(given[1]), LocalDate.parse(given[2]));
        System.out.println("ready");
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in));
        for (String line = asked.readLine(); line != null; line = asked.readLine()) {
            String[] words = line.split(" ");
            driver.transit(Integer.parseInt(words[0]), Integer.parseInt(words[1]), Integer.parseInt(words[2]),
                Path.of(words[3]));
            System.out.println("done");
        }
    }
}
