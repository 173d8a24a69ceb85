// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/admin.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/log/log.h"

enum { TIMEOUT_MS = 30000 };

// The next event and its outcome; NULL: none came in time.
static rd_kafka_event_t *wait_for(rd_kafka_queue_t *queue, rd_kafka_resp_err_t *code)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TIMEOUT_MS);
    *code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    return event;
}

static void done_with(rd_kafka_queue_t *queue, rd_kafka_event_t *event)
{
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
}

int weir_admin_create(rd_kafka_t *client, const char *topic, int partitions,
                      const struct weir_admin_setting *settings, size_t n, struct weir_error *error)
{
    char why[256] = "";
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic, partitions, -1, why, sizeof why);
    if (!wanted)
        return weir_error_set(error, WEIR_EINVAL, "topic %s: %s", topic, why);
    for (size_t i = 0; i < n; i++)
        rd_kafka_NewTopic_set_config(wanted, settings[i].name, settings[i].value);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_CreateTopics(client, &wanted, 1, NULL, queue);
    rd_kafka_resp_err_t code;
    rd_kafka_event_t *event = wait_for(queue, &code);
    const rd_kafka_CreateTopics_result_t *result =
        event ? rd_kafka_event_CreateTopics_result(event) : NULL;
    snprintf(why, sizeof why, "%s", rd_kafka_err2str(code));
    if (!code && result) {
        size_t count = 0;
        const rd_kafka_topic_result_t **topics =
            rd_kafka_CreateTopics_result_topics(result, &count);
        code = count == 1 ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR__FAIL;
        if (count == 1 && rd_kafka_topic_result_error_string(topics[0]))
            snprintf(why, sizeof why, "%s", rd_kafka_topic_result_error_string(topics[0]));
    }
    done_with(queue, event);
    rd_kafka_NewTopic_destroy(wanted);
    if (code && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return weir_error_set(error, WEIR_EIO, "topic %s cannot be created: %s", topic, why);
    return 0;
}

static void find_entry(const rd_kafka_ConfigResource_t *resource, const char *name, char **value)
{
    size_t n = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
    for (size_t i = 0; i < n; i++) {
        const char *found = rd_kafka_ConfigEntry_value(entries[i]);
        if (!strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) && found)
            *value = strdup(found);
    }
}

int weir_admin_setting(rd_kafka_t *client, const char *topic, const char *name, char **value,
                       struct weir_error *error)
{
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DescribeConfigs(client, &resource, 1, NULL, queue);
    rd_kafka_resp_err_t code;
    rd_kafka_event_t *event = wait_for(queue, &code);
    const rd_kafka_DescribeConfigs_result_t *result =
        event ? rd_kafka_event_DescribeConfigs_result(event) : NULL;
    *value = NULL;
    if (!code && result) {
        size_t n = 0;
        const rd_kafka_ConfigResource_t **found =
            rd_kafka_DescribeConfigs_result_resources(result, &n);
        code = n == 1 ? rd_kafka_ConfigResource_error(found[0]) : RD_KAFKA_RESP_ERR__FAIL;
        if (!code)
            find_entry(found[0], name, value);
    }
    done_with(queue, event);
    rd_kafka_ConfigResource_destroy(resource);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
        code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED) {
        weir_log(WEIR_LOG_WARNING, "topics", "%s of topic %s may not be read and is not verified",
                 name, topic);
        return 0;
    }
    return code ? weir_error_set(error, WEIR_EIO, "the settings of topic %s: %s", topic,
                                 rd_kafka_err2str(code))
                : 0;
}

int weir_admin_members(rd_kafka_t *client, const char *group, size_t *members,
                       struct weir_error *error)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DescribeConsumerGroups(client, &group, 1, NULL, queue);
    rd_kafka_resp_err_t code;
    rd_kafka_event_t *event = wait_for(queue, &code);
    const rd_kafka_DescribeConsumerGroups_result_t *result =
        event ? rd_kafka_event_DescribeConsumerGroups_result(event) : NULL;
    if (!code && result) {
        size_t n = 0;
        const rd_kafka_ConsumerGroupDescription_t **groups =
            rd_kafka_DescribeConsumerGroups_result_groups(result, &n);
        const rd_kafka_error_t *failed =
            n == 1 ? rd_kafka_ConsumerGroupDescription_error(groups[0]) : NULL;
        code = n != 1 ? RD_KAFKA_RESP_ERR__FAIL : failed ? rd_kafka_error_code(failed) : code;
        if (code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) { // newer brokers' word for an empty one
            code = RD_KAFKA_RESP_ERR_NO_ERROR;
            *members = 0;
        } else if (!code) {
            *members = rd_kafka_ConsumerGroupDescription_member_count(groups[0]);
        }
    }
    done_with(queue, event);
    return code ? weir_error_set(error, WEIR_EIO, "the members of group %s cannot be asked for: %s",
                                 group, rd_kafka_err2str(code))
                : 0;
}

void weir_admin_trim(rd_kafka_t *client, const char *topic, int32_t partition, int64_t offset,
                     rd_kafka_queue_t *queue)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    rd_kafka_DeleteRecords_t *below = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(client, &below, 1, NULL, queue);
    rd_kafka_DeleteRecords_destroy(below);
    rd_kafka_topic_partition_list_destroy(list);
}
