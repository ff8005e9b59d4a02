"""The operator's trucks and one day of collection and delivery, both simulated: the day's rounds are asked for when the
data are entered and made by a worker, so that the start does not wait for them.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.rounds.desk.asking import Ask, Upload, request_upload
from routing.rounds.desk.fleet import BEIJING, TruckForm, add_truck, trucks
from routing.rounds.reading import HUB, shipped
from routing.rounds.tables import RoundPlan

NAME = "模拟数据：城陵矶一日集配"
PLATES = {"VAN": ("湘F6D101", "湘F6D102"), "T42": ("湘F6D201", "湘F6D202", "湘F6D203"), "T68": ("湘F6D301",)}
WORK, SEED = 400, 20_261_126
STOPS = """id,owner,place,lat,lon,deliver_kg,deliver_m3,collect_kg,collect_m3,service_min,open,close
SIM-SHOP-1,YMBEAUTY,,29.3720,113.1210,350,2.4,0,0,15,08:30,11:30
SIM-SHOP-2,YMBEAUTY,,29.3560,113.1080,280,1.8,0,0,15,08:30,11:30
SIM-SHOP-3,XLMEAT,,29.3850,113.0920,620,2.1,0,0,20,07:00,10:00
SIM-SHOP-4,XLMEAT,CN430681,,,540,1.9,0,0,20,08:00,12:00
SIM-SHOP-5,YMBEAUTY,CNCSH,,,900,6.2,0,0,25,10:00,16:00
SIM-TEA-1,JSTEA,CN430621,,,0,0,1200,5.5,30,08:00,17:00
SIM-TEA-2,JSTEA,CN430624,,,0,0,1600,7.4,30,08:00,17:00
SIM-TEA-3,JSTEA,CN430626,,,0,0,2100,8.8,35,09:00,17:30
SIM-CERA-1,LLCERA,CN430681,,,0,0,2600,6.0,40,09:00,17:30
SIM-CERA-2,LLCERA,CN430682,,,0,0,1900,4.4,30,08:00,16:00
SIM-CERA-3,LLCERA,CN430623,,,300,1.0,1500,3.9,30,09:00,16:30
SIM-CERA-4,LLCERA,CN430281,,,0,0,12500,30,60,09:00,16:30
"""


def enter_rounds(session: Session, now: datetime) -> None:
    """Enter the trucks once, and ask for tomorrow's rounds unless a day to come has some. The last stop is heavier than
    any truck holds, so that the page has something to explain.
    """
    day = (now.astimezone(BEIJING) + timedelta(days=1)).date()
    if not trucks(session, company_id=None):
        for kind in shipped()["trucks"]:
            for plate in PLATES[kind["code"]]:
                figures = {name: value for name, value in kind.items() if name != "code"}
                form = TruckForm(
                    plate=plate, kind=kind["code"], depot=HUB, start_min=360, end_min=1200, shift_s=43_200, **figures
                )
                add_truck(session, form, company_id=None, person_id=None)
    if session.scalar(select(RoundPlan.id).where(RoundPlan.name == NAME, RoundPlan.day_on >= day).limit(1)) is None:
        ask = Ask(HUB, day, "joint", work=WORK, seed=SEED, name=NAME)
        request_upload(session, ask, Upload("simulated.csv", STOPS), now)
