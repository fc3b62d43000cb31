import pytest

from digitdet.detection.detector import OnnxDetector


@pytest.fixture(scope="module")
def detector():
    return OnnxDetector(None)


@pytest.fixture(scope="module")
def make_client(detector):
    from starlette.testclient import TestClient  # here: the tests are skipped where the extra is not installed

    from digitdet.web.app import create_app
    from digitdet.web.limits import ServeSettings
    from digitdet.web.service import Service

    def make(hosts=("testserver",), **settings):
        return TestClient(create_app(Service(detector, ServeSettings(**settings)), hosts))

    return make


@pytest.fixture(scope="module")
def client(make_client):
    return make_client()
