# Read mounted pictures, as an unprivileged user:
#   docker build -t digitdet .
#   docker run --rm -v "$PWD/photos:/photos:ro" digitdet read /photos
# It needs no network at run time; add --network none to enforce that.

FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
# The headless build of OpenCV does not need the display libraries that a slim image lacks.
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
