"""Formats of labelled data: YOLO, COCO, Pascal VOC and numbers.jsonl."""
