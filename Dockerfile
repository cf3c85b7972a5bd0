# The service as one static binary in an image with nothing else: no shell, no libc, no package to keep up to date.
#
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" --tag issue-core:"$(git rev-parse HEAD)" .
#
# Asks the registry of the base image and crates.io, nobody else. The Alpine image builds for musl: a static binary by default.
FROM rust:1.95.0-alpine3.22 AS build
WORKDIR /src

# The dependencies alone, in a layer that stands until Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && echo 'fn main() {}' >src/main.rs && touch src/lib.rs \
    && cargo build --profile dist --locked --bin issue-core \
    && rm -r src

COPY build.rs ./
COPY config config
COPY migrations migrations
COPY src src
ARG REVISION=unknown
# Shown by issue_core_build_info. The sources are younger than what was built of the empty ones, whatever their dates say.
RUN find src -name '*.rs' -exec touch {} + \
    && ISSUE_CORE_REVISION="$REVISION" cargo build --profile dist --locked --bin issue-core \
    && mkdir /data /programs \
    && cp target/dist/issue-core /programs \
    && ln -s issue-core /programs/issue

FROM scratch
ARG REVISION=unknown
LABEL org.opencontainers.image.title="issue-core" \
      org.opencontainers.image.description="One landing zone for an organisation's tasks" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION"
# Whom to believe when a tracker, the hub or the database shows a certificate.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# The service, and its second name for people: `kubectl exec … -- /issue list`. As a folder, so that the link stays one.
COPY --from=build /programs /
# For the embedded database, where there is no Postgres. The rest of the file system may be read-only.
COPY --from=build --chown=65532:65532 /data /data
ENV ISSUE_CORE__SERVER__BIND=0.0.0.0:8765 \
    ISSUE_CORE__DATABASE__DATA_DIR=/data \
    ISSUE_CORE__LOG__FORMAT=json
USER 65532:65532
EXPOSE 8765
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s CMD ["/issue-core", "healthcheck"]
ENTRYPOINT ["/issue-core"]
CMD ["serve"]
