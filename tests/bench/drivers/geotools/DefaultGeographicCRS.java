package org.geotools.referencing.crs;

import org.opengis.referencing.crs.CoordinateReferenceSystem;

/** Empty, as GeodeticCalculator is. */
public class DefaultGeographicCRS implements CoordinateReferenceSystem {
    public static final DefaultGeographicCRS WGS84 = new DefaultGeographicCRS();
}
