# Reads pictures that are mounted, as a user without rights:
#   docker build -t digitdet .
#   docker run --rm -v "$PWD/photos:/photos:ro" digitdet read /photos
# Nothing is fetched when it runs; add --network none to see to it.

FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
# The headless build of OpenCV has the same files without those of windows, which a slim image lacks libraries for.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir -c constraints.txt ".[heic,pdf]" \
    && /venv/bin/pip uninstall -y opencv-python \
    && /venv/bin/pip install --no-cache-dir -c constraints.txt opencv-python-headless

FROM python:3.13-slim
COPY --from=build /venv /venv
RUN useradd --create-home reader
USER reader
WORKDIR /home/reader
ENTRYPOINT ["/venv/bin/digitdet"]
CMD ["--help"]
