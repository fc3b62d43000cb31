import pytest

from digitdet.reading.model import load_model


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def make_client(model):
    from starlette.testclient import TestClient  # here: the tests are skipped where the extra is not installed

    from digitdet.web.app import create_app
    from digitdet.web.limits import ServeSettings
    from digitdet.web.service import Service

    def make(hosts=("testserver",), **settings):
        return TestClient(create_app(Service(model, ServeSettings(**settings)), hosts))

    return make


@pytest.fixture(scope="module")
def client(make_client):
    return make_client()
