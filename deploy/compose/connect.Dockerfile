# Kafka Connect with Debezium's MongoDB connector: the very jars of the native stack, proven by the same checksums.
ARG KAFKA_VERSION
FROM maven:3-eclipse-temurin-17 AS plugin
WORKDIR /jars
COPY engine/stack/debezium.pom.xml engine/stack/jars.sha256 ./
RUN mvn -B -q -f debezium.pom.xml org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies \
      -DoutputDirectory=/jars/debezium -DincludeScope=runtime \
    && grep '  debezium/' jars.sha256 | sha256sum -c --quiet - \
    && test "$(ls debezium | wc -l)" = "$(grep -c '  debezium/' jars.sha256)"

FROM apache/kafka:${KAFKA_VERSION}
COPY --from=plugin /jars/debezium /opt/plugins/debezium
COPY deploy/compose/connect.properties /opt/kafka/config/oplake-connect.properties
CMD ["/opt/kafka/bin/connect-distributed.sh", "/opt/kafka/config/oplake-connect.properties"]
