"""The table for people."""


def table(found):
    """Give the machine and one line for each figure."""
    machine = found["machine"]
    runtimes = ", ".join(f"{name} {version}" for name, version in machine["runtimes"].items())
    where = (
        f"{machine['processors']} x {machine['processor']}, {machine['memory_mib']} MiB, Linux {machine['kernel']},"
        f" {machine['system']}, Python {machine['python']}, {runtimes},"
        f" {'the' if found['native'] else 'without the'} native launcher; load {machine['load'][0]};"
        f" {found['rounds']} rounds"
    )
    lines = [where, ""]
    cells = [("work", "against", "seen", "to reach", "")]
    for row in found["rows"]:
        if "missing" in row:
            cells.append((row["work"], row["against"], f"not measured: {row['missing']}", "", ""))
            continue
        bound = f"{row['bound']:g} {row['unit']}" if "bound" in row else ""
        met = "" if "bound" not in row else "yes" if row["met"] else "no"
        cells.append((row["work"], row["against"], shown(row), bound, met))
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    lines += ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    lines.append("")
    lines += [f"{row['work']}: {said}" for row in found["rows"] if (said := remarks(row))]
    return "\n".join(lines)


def remarks(row):
    """What the columns have no room for."""
    alone = f"Python decided {row['fell_back']} starts" if row.get("fell_back") else ""
    return "; ".join(filter(None, (row.get("note"), alone)))


def shown(row):
    """A value with its unit and spread."""
    text = f"{row['value']:.3g} {row['unit']}"
    if "low" in row:
        text += f" ({row['low']:.3g} to {row['high']:.3g})"
    return text
