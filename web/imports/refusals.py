"""What is wrong with a file as a whole, and with one of its cells, in the words of who has to mend it."""

from wms.errors import N_, Kind, WmsError


class BadFile(WmsError):
    """The file cannot be read at all; nothing of it was taken."""

    code = "bad_file"
    kind = Kind.INVALID


class NoFile(BadFile):
    code = "no_file"
    text = N_("Send the file in the field %(name)s.")


class EmptyFile(BadFile):
    code = "empty_file"
    text = N_("The file %(name)s holds no rows.")


class UnknownFormat(BadFile):
    code = "unknown_file_format"
    text = N_("The file is neither CSV nor XLSX. Save it as one of these.")


class OldSpreadsheet(BadFile):
    code = "old_spreadsheet"
    text = N_("This is a spreadsheet of the old format (XLS). Save it as XLSX or CSV.")


class UnknownEncoding(BadFile):
    code = "unknown_encoding"
    text = N_("Line %(line)s can be read neither as UTF-8 nor as GB18030. Save the file as UTF-8 CSV.")


class WrongEncoding(BadFile):
    code = "wrong_encoding"
    text = N_("Line %(line)s is not %(encoding)s.")


class BrokenSpreadsheet(BadFile):
    code = "broken_spreadsheet"
    text = N_("The spreadsheet is damaged and cannot be opened.")


class InflatedSpreadsheet(BadFile):
    code = "inflated_spreadsheet"
    text = N_("Unpacked, the spreadsheet would be far larger than it is: %(unpacked)s bytes. It was not opened.")


class MergedCells(BadFile):
    code = "merged_cells"
    text = N_("The cells %(cells)s are merged. Part them, so that each row says all of itself.")


class FormulaWithoutValue(BadFile):
    code = "formula_without_value"
    text = N_("The cells %(cells)s hold formulas without a value. Open the file, let it calculate and save it again.")


class UnknownSheet(BadFile):
    code = "unknown_sheet"
    text = N_("There is no use for the sheet %(sheet)s. The sheets are: %(sheets)s.")


class BrokenCsv(BadFile):
    code = "broken_csv"
    text = N_("Line %(line)s is not CSV: %(reason)s.")


class TooManyRows(BadFile):
    code = "too_many_rows"
    text = N_("A file may hold %(most)s rows. Part it.")


class UnknownColumn(BadFile):
    code = "unknown_column"
    text = N_("There is no column %(column)s. The columns are: %(columns)s.")


class ColumnTwice(BadFile):
    code = "column_twice"
    text = N_("The column %(column)s stands there twice.")


class ColumnMissing(BadFile):
    code = "column_missing"
    text = N_("The column %(column)s is missing.")


class UnknownImport(WmsError):
    code = "unknown_import"
    kind = Kind.NOT_FOUND
    text = N_("There is no import of %(kind)s. There are: %(kinds)s.")


class BadCell(WmsError):
    """One cell breaks a rule; ``field`` is the column."""

    code = "bad_cell"
    kind = Kind.INVALID


class CellMissing(BadCell):
    code = "cell_missing"
    text = N_("%(column)s is empty.")


class NotWhole(BadCell):
    code = "not_whole"
    text = N_("%(given)s is no whole number.")


class OutOfRange(BadCell):
    code = "out_of_range"
    text = N_("%(given)s does not lie between %(low)s and %(high)s.")


class RoundedBySpreadsheet(BadCell):
    code = "rounded_by_spreadsheet"
    text = N_("%(given)s is a number that the spreadsheet shortened. Format the column as text and enter it again.")


class NotDay(BadCell):
    code = "not_a_day"
    text = N_("%(given)s is no day. Write it like 2026-01-31.")


class NotYesNo(BadCell):
    code = "not_yes_no"
    text = N_("%(given)s is neither yes nor no.")


class NotMoney(BadCell):
    code = "not_money"
    text = N_("%(given)s is no amount of money with at most %(places)s decimal places.")


class NotAmong(BadCell):
    code = "not_among"
    text = N_("%(given)s is not one of: %(among)s.")


class TooLong(BadCell):
    code = "too_long"
    text = N_("The text has %(length)s characters; %(most)s are the most.")


class ControlCharacter(BadCell):
    code = "control_character"
    text = N_("The text holds a character that cannot be shown.")


class SpreadsheetError(BadCell):
    code = "spreadsheet_error"
    text = N_("The cell holds the spreadsheet's error %(given)s.")


class NotNumber(BadCell):
    code = "not_a_number"
    text = N_("%(given)s is no number.")


class TooFine(BadCell):
    code = "too_fine"
    text = N_("%(given)s has too many decimal places; at most %(places)s count.")


class NotInstant(BadCell):
    code = "not_an_instant"
    text = N_("%(given)s is no instant. Write it like 2026-01-31T08:00+08:00.")


class NoZone(BadCell):
    code = "no_time_zone"
    text = N_(
        "%(given)s does not say its time zone. Write +08:00 or Beijing behind it, or use the column of Beijing time."
    )


class InstantTwice(BadCell):
    code = "instant_twice"
    text = N_("Both %(one)s and %(other)s are filled in; leave one empty.")


class UnknownPlace(BadCell):
    code = "not_a_place_of_the_network"
    text = N_("%(given)s is no place of the network. Write its UN/LOCODE or one of its aliases.")


class RowTwice(BadCell):
    code = "row_twice"
    text = N_("%(given)s stands in row %(row)s already.")


class PieceIncomplete(BadCell):
    code = "piece_incomplete"
    text = N_("A kind of pieces needs count, length, width, height and weight.")


class PiecesTwice(BadCell):
    code = "pieces_twice"
    text = N_("The pieces of %(given)s stand in its row and in the sheet of pieces; leave one of them empty.")


class PiecesOfNobody(BadCell):
    code = "pieces_of_nobody"
    text = N_("The pieces belong to %(given)s, which is no good row of the consignments.")


class NotTradeMode(BadCell):
    code = "not_a_trade_mode"
    text = N_("%(given)s is no trade mode of four digits, such as 0110. Format the column as text.")


class ValueTwice(BadCell):
    code = "value_twice"
    text = N_("%(given)s stands there twice.")


class NotInSheet(BadCell):
    code = "not_in_sheet"
    text = N_("%(given)s does not stand in the sheet %(sheet)s.")


class NotPairs(BadCell):
    code = "not_pairs"
    text = N_("%(given)s is no spread of delays. Write per cent and hours like 50=0; 80=24; 95=72.")
