"""What NVIDIA documents about its drivers and chips and no file on a host says."""

from __future__ import annotations

CUDA_OF_BRANCH = {
    "410": "10.0",
    "418": "10.1",
    "440": "10.2",
    "450": "11.0",
    "455": "11.1",
    "460": "11.2",
    "465": "11.3",
    "470": "11.4",
    "495": "11.5",
    "510": "11.6",
    "515": "11.7",
    "520": "11.8",
    "525": "12.0",
    "530": "12.1",
    "535": "12.2",
    "545": "12.3",
    "550": "12.4",
    "555": "12.5",
    "560": "12.6",
    "565": "12.7",
    "570": "12.8",
    "575": "12.9",
    "580": "13.0",
    "590": "13.1",
    "595": "13.2",
    "610": "13.3",
}
"""The CUDA version that the driver of a branch reports (cuDriverGetVersion): the newest toolkit that it serves.

Source: CUDA Toolkit release notes, table "CUDA Toolkit and Corresponding Driver Versions"; for 565, which no toolkit
came with, what its nvidia-smi prints.
"""

CHIPS = (
    (0x0FC0, 0x0FFF, "kepler", "3.0"),
    (0x1001, 0x1028, "kepler", "3.5"),
    (0x102D, 0x102D, "kepler", "3.7"),
    (0x1180, 0x11FF, "kepler", "3.0"),
    (0x1340, 0x13BF, "maxwell", "5.0"),
    (0x13C0, 0x143F, "maxwell", "5.2"),
    (0x15F0, 0x15FF, "pascal", "6.0"),
    (0x17C0, 0x17FF, "maxwell", "5.2"),
    (0x1B00, 0x1D7F, "pascal", "6.1"),
    (0x1D80, 0x1DFF, "volta", "7.0"),
    (0x1E00, 0x1FFF, "turing", "7.5"),
    (0x2080, 0x20FF, "ampere", "8.0"),
    (0x2180, 0x21FF, "turing", "7.5"),
    (0x2200, 0x22A2, "ampere", "8.6"),
    (0x2300, 0x237F, "hopper", "9.0"),
    (0x2400, 0x25FF, "ampere", "8.6"),
    (0x2680, 0x28FF, "ada", "8.9"),
    (0x2900, 0x297F, "blackwell", "10.0"),
    (0x2B80, 0x2D7F, "blackwell", "12.0"),
    (0x2D80, 0x2DFF, "blackwell", "12.0"),
    (0x2E12, 0x2E12, "blackwell", "12.1"),
    (0x2F00, 0x2F7F, "blackwell", "12.0"),
    (0x3180, 0x31FF, "blackwell", "10.3"),
)
"""Ranges of PCI device ids (first, last) with the architecture and the compute capability of the chip they stand for.

Sources: the PCI ID Repository for which ids belong to which chip (GA100 has 2080 to 20ff), NVIDIA's page "CUDA GPU
Compute Capability" for the chip's capability. A GPU outside these ranges is unknown, not refused.
"""

_BRANDS = (
    ("tesla", "tesla"),
    ("quadro rtx", "quadrortx"),
    ("quadro", "quadro"),
    ("geforce rtx", "geforcertx"),
    ("geforce", "geforce"),
    ("titan rtx", "titanrtx"),
    ("titan", "titan"),
    ("nvs", "nvs"),
    ("grid", "grid"),
    ("rtx", "nvidiartx"),
)


def brand(model: str) -> str:
    """Tell the brand from the name of a product, in lower case as NVML's brands without spaces.

    NVML asks the GPU itself; the names differ only for vGPU products, which count as `nvidia` here.
    """
    rest = model.lower().removeprefix("nvidia").strip()
    for start, name in _BRANDS:
        if rest.startswith(start):
            return name
    return "nvidia"
