package org.opengis.referencing.crs;

/** Empty, as GeodeticCalculator is. */
public interface CoordinateReferenceSystem {}
