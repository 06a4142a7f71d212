-- Records are searched by the site as well: its facets, those with the newest records first.
CREATE INDEX "search_facet_site_last_period_idx" ON "search_facet"("site", "last_period");
