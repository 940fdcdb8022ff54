"""Channel labels: what is told for sure is read, and nothing is guessed."""

import pytest

from lsr.anatomy import Muscle, Side
from lsr.io.labels import is_auxiliary_label, is_trigger_label, read_label

R, L = Side.RIGHT, Side.LEFT
OCULI, ORIS, MENT = Muscle.ORBICULARIS_OCULI, Muscle.ORBICULARIS_ORIS, Muscle.MENTALIS
FRONT, NAS, PLAT = Muscle.FRONTALIS, Muscle.NASALIS, Muscle.PLATYSMA
DAO, MASS, TEMP = Muscle.DEPRESSOR_ANGULI_ORIS, Muscle.MASSETER, Muscle.TEMPORALIS

TOLD = [
    ("R O.Oculi", OCULI, R),
    ("OOc", OCULI, None),
    ("OOC", OCULI, None),
    ("OOcR", OCULI, R),
    ("ROOc", OCULI, R),
    ("L-OOC", OCULI, L),
    ("Orb Oc R", OCULI, R),
    ("Orb.oc. li", OCULI, L),
    ("OrbOc L", OCULI, L),
    ("orboculi", OCULI, None),
    ("ORBIC OCULI RT", OCULI, R),
    ("ORBICULARIS OCUL", OCULI, None),
    ("re. M. orbicularis oculi", OCULI, R),
    ("M. orbicularis oculi links", OCULI, L),
    ("Oculi rechts", OCULI, R),
    ("EMG L_Orb_Oculi", OCULI, L),
    ("EMG RIGHT OOc", OCULI, R),
    ("OOc+ - OOc-", OCULI, None),
    ("R OOc1-R OOc2", OCULI, R),
    ("EMG Orb_Oris", ORIS, None),
    ("OOr", ORIS, None),
    ("OOris", ORIS, None),
    ("OOris LT", ORIS, L),
    ("OOR L", ORIS, L),
    ("R OOR", ORIS, R),
    ("LOOr", ORIS, L),
    ("OrbOr R", ORIS, R),
    ("O. oris dx", ORIS, R),
    ("Orbicularis oris", ORIS, None),
    ("R Orbicularis Or", ORIS, R),
    ("MENT-L", MENT, L),
    ("L Mentalis", MENT, L),
    ("EMG L_Mentalis", MENT, L),
    ("NC L_Mentalis", MENT, L),
    ("M.mentalis re", MENT, R),
    ("Ment droit", MENT, R),
    ("OOc gauche", OCULI, L),
    ("Mentalis izq", MENT, L),
    ("Orb oculi dcha", OCULI, R),
    ("Mentalis esquerda", MENT, L),
    ("Ment D", MENT, None),  # an electrode, or droit
    ("Ment+ - Ment-", MENT, None),
    ("MentR", MENT, R),
    ("RMENT", MENT, R),
    ("LMent", MENT, L),
    ("Ment1-Ment2 R", MENT, R),
    ("Left Ment.", MENT, L),
    ("mental. Li.", MENT, L),
    ("Frontalis li", FRONT, L),
    ("FRONT-R", FRONT, R),
    ("R Frontal", FRONT, R),
    ("EMG Frontal", FRONT, None),
    ("M. frontalis rechts", FRONT, R),
    ("DAO L", DAO, L),
    ("LDAO", DAO, L),
    ("D.A.O. re", DAO, R),
    ("R Dep Ang Oris", DAO, R),
    ("Depressor anguli", DAO, None),
    ("L Depr.Anguli or", DAO, L),
    ("Plat R", PLAT, R),
    ("Platysma", PLAT, None),
    ("PLATL", PLAT, L),
    ("Nasalis", NAS, None),
    ("Nas L", NAS, L),
    ("R Nasal", NAS, R),
    ("Masseter R", MASS, R),
    ("Mass. li", MASS, L),
    ("M. temporalis re", TEMP, R),
]

NOT_TOLD = [
    ("Ch3", None),
    ("Ch3 R", R),
    ("EMG1", None),
    ("EMG", None),
    ("EMG right", R),
    ("OO", None),
    ("OO L", L),
    ("L OO", L),
    ("O.O. re", R),
    ("OOR", None),  # oris, or OO of the right side
    ("oor", None),
    ("OOL", None),
    ("Orb", None),
    ("R Orbicularis", R),
    ("R Orbicularis O", R),
    ("EMG L_Orbiculari", L),
    ("Oc R", R),
    ("F3", None),
    ("Fp1", None),
    ("Fp1-F3", None),
    ("EEG F4-Ref", None),
    ("EEG Frontal L", None),
    ("Frontal", None),  # a scalp electrode, perhaps
    ("Nasal", None),  # airflow, perhaps
    ("Resp oro-nasal", None),
    ("Temp", None),
    ("Temp R", R),
    ("Temporal R", R),
    ("Temp rectal", None),
    ("ECG", None),
    ("ECG L", None),
    ("Status", None),
    ("Trigger", None),
    ("DC1", None),
    ("Stim R Ment", None),
    ("EMG submental", None),
    ("sub-mental", None),
    ("chin", None),
    ("L lev. ang. oris", L),
    ("Anguli oris", None),
    ("Depressor labii", None),
    ("OOc-Ment R", R),  # a montage of two muscles
    ("NC L_APB", L),
    ("RECR", None),
    ("EMG L_Biceps_Bra", L),
    ("N. mentalis R", None),
    ("", None),
    ("---", None),
    ("中文", None),
]


@pytest.mark.parametrize(("label", "muscle", "side"), TOLD)
def test_a_label_tells_its_muscle_and_side(label, muscle, side):
    found = read_label(label)
    assert (found.muscle, found.side) == (muscle, side)


@pytest.mark.parametrize(("label", "side"), NOT_TOLD)
def test_what_a_label_does_not_tell_is_not_guessed(label, side):
    found = read_label(label)
    assert (found.muscle, found.side) == (None, side)


def test_a_label_that_names_both_sides_tells_neither():
    assert read_label("Ment R-L").muscle is MENT
    assert read_label("Ment R-L").side is None


@pytest.mark.parametrize(("label", "muscle", "side"), TOLD)
@pytest.mark.parametrize("change", [str.upper, str.lower])
def test_capitals_carry_no_meaning(label, muscle, side, change):
    found = read_label(change(label))
    if label == "OOr":  # the capitals are what tells "OO, right" from oris
        return
    assert (found.muscle, found.side) == (muscle, side)


@pytest.mark.parametrize(("label", "muscle", "side"), TOLD)
def test_the_order_of_words_carries_no_meaning(label, muscle, side):
    found = read_label(" ".join(reversed(label.split())))
    assert (found.muscle, found.side) == (muscle, side)


@pytest.mark.parametrize(
    "label", ["TRIG", "Trigger", "Trig 1", "STIM", "STI", "STI 014", "Status", "DIG DTRIG", "TTL"]
)
def test_trigger_channels_are_told_by_name(label):
    assert is_trigger_label(label)


@pytest.mark.parametrize(
    "label", ["Ment R", "Stim R Ment", "Stimulated side", "Ch3", "DC1", "ECG", "EMG Trigger R"]
)
def test_other_channels_are_no_trigger_channels(label):
    assert not is_trigger_label(label)


@pytest.mark.parametrize(
    ("label", "auxiliary"), [("DC1", True), ("DC 3", True), ("AUX_2", True), ("DCM", False), ("Ment", False)]
)
def test_direct_current_inputs_are_told_by_name(label, auxiliary):
    assert is_auxiliary_label(label) is auxiliary
