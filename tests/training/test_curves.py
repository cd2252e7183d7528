from gds.models import GdsForMaskedModeling
from gds.training import GdsTrainer
from gds.training.curves import COLUMNS, curve_records


def test_every_point_once(dosages, make_config, make_arguments):
    model = GdsForMaskedModeling(make_config(input_kind="tokens"))
    arguments = make_arguments(num_train_epochs=2, eval_strategy="epoch", logging_steps=2)
    trainer = GdsTrainer(model, arguments, dosages, dosages)
    trainer.train()
    records = curve_records(trainer.state.log_history)
    assert list(records.columns) == COLUMNS
    points = records.set_index(["split", "metric"]).sort_index()
    assert points.loc[("train", "loss"), "step"].tolist() == [2, 4, 6, 8, 10, 12]
    assert points.loc[("train", "loss"), "samples_seen"].tolist() == [16, 32, 48, 64, 80, 96]
    assert points.loc[("validation", "accuracy"), "step"].tolist() == [6, 12]
    assert points.loc[("validation", "loss"), "epoch"].tolist() == [1.0, 2.0]
    assert set(records["metric"]) == {
        "loss", "accuracy", "non_major_accuracy", "grad_norm", "learning_rate", "samples_per_second",
    }  # fmt: skip
    assert not records.duplicated(["step", "split", "metric"]).any()


def test_no_history_gives_an_empty_table():
    assert curve_records([]).empty
