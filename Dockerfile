# The web page and HTTP API, or any other command, as an unprivileged user:
#   docker build -t digitdet .
#   docker run --rm -p 127.0.0.1:8000:8000 digitdet
#   docker run --rm --network none -v "$PWD/photos:/photos:ro" digitdet read /photos
# It needs no network at run time, other than for requests.

FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
# The headless build of OpenCV does not need the display libraries that a slim image lacks.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir -c constraints.txt ".[heic,pdf,web]" \
    && /venv/bin/pip uninstall -y opencv-python \
    && /venv/bin/pip install --no-cache-dir -c constraints.txt opencv-python-headless

FROM python:3.13-slim
COPY --from=build /venv /venv
RUN useradd --create-home reader
USER reader
WORKDIR /home/reader
EXPOSE 8000
# For the server; other commands end before the first check.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["/venv/bin/python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/api/health', timeout=4)"]
ENTRYPOINT ["/venv/bin/digitdet"]
CMD ["serve", "--host", "0.0.0.0"]
