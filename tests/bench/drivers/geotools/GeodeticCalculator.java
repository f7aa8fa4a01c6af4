package org.geotools.referencing;

import org.opengis.referencing.crs.CoordinateReferenceSystem;

/** Empty: GeoTools is on no registry; R5 makes one of these when it puts places on streets, and never asks it anything. */
public class GeodeticCalculator {
    public GeodeticCalculator(CoordinateReferenceSystem system) {}
}
