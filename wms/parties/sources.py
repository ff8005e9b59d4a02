"""Where values that come with the product are taken from, so that they read in the language of the page.

``shipped_value.source`` keeps the English text that its migration entered; each stands here too, where the catalogues
find it. A text that an installation entered itself is shown as it was written.
"""

from wms.errors import N_

SHIPPED = (
    N_("our own limit: clocks of handhelds and devices, 2026-11"),
    N_("our own choice, 2026-11; to be agreed with the site"),
    N_("GS1's example prefix; an installation enters its own before it prints"),
    N_("our own choice: first expired, first out, and no pallet broken that fits whole; 2026-11"),
    N_("our own choice: a promise that nobody picks ends; 2026-11"),
    N_("our own choice: what one round on foot bears; 2026-11"),
    N_("our own choice: slots of a picking cart; 2026-11"),
    N_("no cross-aisles known: taken from where the places of a site stand"),
    N_("our own limit: carton in tote in pallet in roll cage in container and room"),
    N_("our own order: one lot together, then the nearest free place, then room beside other goods"),
    N_("our own limit: a transfer that is two weeks late is drawn up anew"),
    N_("our own limit: claims against the carrier are made within 14 days, 2026-11"),
    N_(
        "the customary postal carton series no. 1 to 12 (sizes); tare from 600 g/m2 board, load and cost: our"
        " own estimates, 2026-11"
    ),
    N_("our own choice: 2 % of the computed weight, at least 30 g for tape and filling; 2026-11"),
    N_("GB 14881-2013, 10.1: food is not stored or carried together with toxic, harmful or smelling goods"),
    N_("our own choice: three quarters of a base must rest; 2026-11"),
    N_("our own default, 2026-11; an installation enters its own"),
    N_("our own limit, 2026-11; an installation enters its own"),
    N_("GAC 2020-45: apply within 30 days of release"),
    N_("GAC 2020-45: back within 45 days of release"),
    N_("GAC 2020-44: within one year of release"),
    N_(
        "GB 31605-2020: frozen food at -18 °C or below; 89/108/EEC art. 5: upward by 3 °C for a short time. "
        "Duration: ours"
    ),
    N_("GB 31605-2020: chilled food from 0 °C to 10 °C. Duration: our own limit, 2026-11"),
    N_("our own limit: three readings in a row missed is silence, 2026-11"),
    N_("our own limit: no room is still for six hours, 2026-11"),
    N_(
        "GB/T 2828.1-2012 (ISO 2859-1:1999), general inspection level II, AQL 2.5, normal, single: tables 1 "
        "and 2-A, arrows followed; compare with the standard before a contract rests on it"
    ),
    N_("our own name; a site without bins in this zone stores what it receives"),
    N_("door to door with customs, trade knowledge, 2026-11; five transfers of one's own replace it"),
    N_("our own limit, 2026-11"),
    N_("countries by sales region, our own list, 2026-11"),
    N_("Cai Guan Shui 2016 No. 18"),
    N_(
        "Cai Guan Shui 2018 No. 49; exactly the limit is allowed: trade knowledge of 2026-11, to be confirmed"
        " with customs"
    ),
    N_(
        "Cai Guan Shui 2016 No. 18; rounding of each tax of each line: trade knowledge of 2026-11, to be "
        "confirmed with customs"
    ),
    N_("Cai Shui 2016 No. 103; exactly the threshold counts: trade knowledge of 2026-11, to be confirmed with customs"),
    N_("trade knowledge of 2026-11, to be confirmed with customs"),
    N_("GAC notice 2020 No. 45; same area: trade knowledge of 2026-11, to be confirmed with customs"),
    N_("GAC notice 2020 No. 44"),
    N_("GAC notice 2018 No. 194"),
    N_("E-Commerce Law, article 31: three years; trade knowledge of 2026-11, to be confirmed with customs"),
    N_("a cent for each tax of a line; trade knowledge of 2026-11, to be confirmed"),
    N_("goods codes without refund or exemption: enter the list"),
    N_("STA notice 2019 No. 36; relief of small firms until 2027-12-31: trade knowledge of 2026-11, to be confirmed"),
    N_("STA notice 2025 No. 3; trade knowledge of 2026-11, to be confirmed"),
    N_("GAC notices and messages as read for this product, 2026-11; to be confirmed by customs"),
    N_("our own choice, 2026-11; to be agreed with customs"),
    N_("GAC Order 256: once a year in practice; our own choice, 2026-11; to be agreed with customs"),
    N_("our own limit, 2026-11: customs names no time for its answers"),
    N_("the zone of Yueyang; days of the house that belong to no one site"),
    N_("three years: a season must show in two at least"),
    N_("our own limit: a handheld that was offline over a long weekend, 2026-11"),
    N_("each installation enters its own"),
    N_("CEB specification 202205: unique for a carrier within 6 months"),
    N_("CEB edition 202205: appStatus 2 needs a signature; the import schema asks for one on 621, 623, 625 and 711"),
    N_("names of passportTypecd and bindTypecd, GAC 2023-200; to be confirmed by customs"),
    N_("tariff chapter 2 and heading 0504, general knowledge; to be confirmed by customs"),
    N_("a plant that is not on file is not registered"),
    N_("Cai Guan Shui 2018 No. 49"),
    N_(
        "raw messages and readings as long as recordings, three months; what a gate record refers to, three years: a"
        " draft's figure, to be confirmed with customs"
    ),
    N_(
        "GAC standard for facilities of special supervision areas, metal mesh; strip of 6 m: trade knowledge,"
        " to be confirmed"
    ),
    N_("bonded-warehouse framework of a customs district: three months"),
    N_("camera numbering of customs, 20 digits; classes as far as they are known, to be confirmed"),
    N_("our own choice of reasons and pictures at the gate, 2026-11; to be agreed with customs"),
    N_("GAC notice 2023 No. 200: relaxed on entry"),
    N_("no parcel is drawn until customs has told share and seed; our own choice, 2026-11"),
    N_("our own limits for devices, 2026-11; signs of life by format as their makers say"),
)
