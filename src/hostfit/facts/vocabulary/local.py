"""Vocabulary of `local.*`, whose elements somebody wrote into files, and of `rule.matched`."""

from __future__ import annotations

from hostfit.core.vocabulary import ATTRIBUTE, NUMBER, VOLATILE, FeatureInfo

_NFD = "https://kubernetes-sigs.github.io/node-feature-discovery/stable/usage/customization-guide.html"

FEATURES = (
    FeatureInfo(
        "local.label",
        meaning="key=value lines of NFD's feature files, those marked +no-label left out",
        source="/etc/kubernetes/node-feature-discovery/features.d/*",
        link=_NFD,
        stability=VOLATILE,
        open_kinds=(ATTRIBUTE,),
        open_comparison=NUMBER,
    ),
    FeatureInfo(
        "local.feature",
        meaning="key=value lines of NFD's feature files, those marked +no-feature left out",
        source="/etc/kubernetes/node-feature-discovery/features.d/*",
        link=_NFD,
        stability=VOLATILE,
        open_kinds=(ATTRIBUTE,),
        open_comparison=NUMBER,
    ),
    FeatureInfo(
        "local.fact",
        meaning="values that the administrator wrote into files of facts.d without a vocabulary for them",
        source="/etc/hostfit/facts.d/*",
        link="https://github.com/opencontainers/wg-image-compatibility",
        stability=VOLATILE,
        open_kinds=(ATTRIBUTE,),
        open_comparison=NUMBER,
    ),
    FeatureInfo(
        "rule.matched",
        meaning="variables (vars) of the rules before this one in the same set",
        source="the spec itself",
        link=_NFD,
        stability=VOLATILE,
        open_kinds=(ATTRIBUTE,),
        open_comparison=NUMBER,
    ),
)
PROBES = {"local.label": "local", "local.feature": "local", "rule.matched": "local"}
