//! Links, addresses, routes, nexthops and rules.
