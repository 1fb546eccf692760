"""A street graph as OSMnx saves it: GraphML in which every value is text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from shapely.geometry.base import BaseGeometry

from planner.errors import PlannerError
from planner.network import Network
from planner.sources.osm.clip import clipped
from planner.sources.osm.refusal import check_file, refusal

if TYPE_CHECKING:
    import networkx as nx

_AGAIN = "save it again with osmnx.save_graphml"


def read_graphml(path: Path, *, crs: Any, frame: BaseGeometry | None = None) -> Network:
    """The walking network that OSMnx saved as `path`, in `crs`, as far as it touches `frame`.

    The graph is taken as it is: ask OSMnx for ``network_type="walk"``.

    Raises
    ------
    SourceError
        If it is missing, empty or no GraphML, has no CRS, places or streets, or none inside the frame.
    """
    import networkx as nx  # slow to import, and most runs read no graph

    check_file(path)
    try:
        graph = nx.read_graphml(path, force_multigraph=True)
    except (ParseError, nx.NetworkXError, KeyError, ValueError, TypeError, AttributeError, UnicodeError) as error:
        problem = f"it cannot be read as GraphML ({str(error).strip()[:100]}): it is truncated, damaged or something else"
        raise refusal(path, problem, _AGAIN) from error
    try:
        network = Network.from_networkx(_with_whole_names(graph), crs=crs)
    except PlannerError as error:
        raise refusal(path, str(error), _AGAIN) from error
    inside = network if frame is None else clipped(network, frame)
    if inside is None:
        mend = "save the graph of the area, or check the area's coordinates"
        raise refusal(path, "no street to walk on inside the area", mend)
    return inside


def _with_whole_names(graph: nx.Graph[Any]) -> nx.Graph[Any]:
    """Nodes named by numbers where all of their names are texts of whole numbers, each of another."""
    import networkx as nx

    try:
        number = {name: int(name) for name in graph.nodes}
    except ValueError:
        return graph
    return nx.relabel_nodes(graph, number) if len(set(number.values())) == len(number) else graph
