"""Rows of `segments.model_leaderboard`: the candidates and their scores."""

import pandas as pd

from segmentation.publishing.ids import array

# names of the search, and what the table calls them
COLUMNS = {
    "near_neighbour_dunn": "dunn",
    "neighbour_purity": "neighbours_together",
    "predictive": "predictive_validity",
    "agreement_incumbent": "incumbent_agreement",
    "external_ari": "adjusted_rand_index",
    "external_ami": "adjusted_mutual_information",
    "external_nmi": "normalized_mutual_information",
    "external_homogeneity": "homogeneity",
    "external_completeness": "completeness",
    "total": "score",
}


def rows(board: pd.DataFrame) -> pd.DataFrame:
    """The leaderboard under the names of the table."""
    table = board.rename(columns=COLUMNS).drop(columns="seconds")
    failed = [[name for name in names.split(",") if name] for names in board["gates_failed"].fillna("")]
    return table.assign(
        gates_failed=[array(names) for names in failed],
        error=board["error"].replace("", None),
    )
